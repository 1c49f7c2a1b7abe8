import { z } from 'zod';
import { durationSchema, shareSchema } from '@slipway/core';
import { compareSchema } from '../comparators/rule.ts';
import { ANALYSERS, candidateAt, defineStep, dwellOf, warmForItsShare } from './step.ts';

/** The candidate runs sampled requests after control has answered them; nobody sees its answers. */
export const shadow = defineStep({
  name: 'shadow',
  several: false,
  schema: z.strictObject({
    /** Share of the endpoint's requests; drawn by hash, independent of the load. */
    sample: shareSchema.pipe(z.number().gt(0)).default(1),
    until: z.strictObject({ pairs: z.int().min(1).default(200), for: durationSchema.optional() }).prefault({}),
    /** Largest share of requests on which the candidate may differ from control beyond control's own noise. */
    maxExcessDisagreement: shareSchema,
    /** Share of the sampled requests that control answers a second time. */
    noise: shareSchema.default(0.1),
    /** Time after which an answer is not needed any more. */
    deadline: durationSchema.default('30s'),
    compare: compareSchema.prefault({}),
  }),
  check: () => [],
  share: () => 'same',
  dwellMs: ({ until }) => dwellOf(until.for),
  enter: warmForItsShare,
  leave: () => ({ analysers: [ANALYSERS.shadow] }),
  alpha: { analyser: ANALYSERS.shadow, fifths: 1 },
  sentence: candidateAt,
  sampling: (policy) => policy,
});
