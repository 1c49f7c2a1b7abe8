import { z } from 'zod';
import { durationSchema } from '@slipway/core';
import { candidateAt, defineStep, dwellOf, warmForItsShare } from './step.ts';

/** The candidate is loaded, warm and reachable by header only. */
export const dark = defineStep({
  name: 'dark',
  several: true,
  schema: z.strictObject({ for: durationSchema.optional() }),
  check: () => [],
  share: () => 'same',
  dwellMs: (policy) => dwellOf(policy.for),
  enter: warmForItsShare,
  leave: (_, { candidates }) => ({
    analysers: [],
    routersFollow: true,
    sentence: `The ${candidates > 1 ? 'candidates are' : 'candidate is'} loaded, warm and reachable by header.`,
  }),
  alpha: null,
  sentence: candidateAt,
});
