import { z } from 'zod';
import { nameSchema } from '@slipway/core';
import { candidateAt, defineStep, dwellOf, warmForItsShare } from './step.ts';
import { onTraffic, TRAFFIC_ALPHA, untilSchema } from './traffic.ts';

/** The candidate answers a share of the units, and has to be shown to be better than control. */
export const experiment = defineStep({
  name: 'experiment',
  schema: z.strictObject({
    /** Control and candidate, as parts of the whole: [50, 50]. */
    split: z.tuple([z.number().gt(0), z.number().gt(0)]).default([50, 50]),
    /** A proportion that the candidate has to be shown to improve. */
    goal: nameSchema,
    until: untilSchema.prefault({}),
  }),
  check: ({ split }, { partBefore }) =>
    partOf(split) >= partBefore
      ? []
      : [{ field: 'split', message: `the candidate's share may not shrink (the step before has ${partBefore})` }],
  share: ({ split }) => ({ part: partOf(split) }),
  dwellMs: ({ until }) => dwellOf(until.for),
  enter: warmForItsShare,
  leave: onTraffic,
  alpha: TRAFFIC_ALPHA,
  sentence: candidateAt,
  counts: ({ until }) => until,
  goal: ({ goal }) => ({ field: 'goal', metric: goal }),
});

/** The candidate's share, 0 to 1. */
function partOf([control, candidate]: readonly [number, number]): number {
  return Math.round((candidate / (control + candidate)) * 1e9) / 1e9;
}
