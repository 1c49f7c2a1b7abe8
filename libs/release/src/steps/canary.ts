import { z } from 'zod';
import { shareSchema } from '@slipway/core';
import { defineStep } from './step.ts';
import { UNTIL_PROVEN, untilSchema } from './traffic.ts';

/** The candidate serves a share of the units, and must not be worse than control. */
export const canary = defineStep({
  name: 'canary',
  several: false,
  schema: z.strictObject({ weight: shareSchema.pipe(z.number().gt(0).lt(1)), until: untilSchema.prefault({}) }),
  check: ({ weight }, { partBefore }) =>
    weight > partBefore
      ? []
      : [{ field: 'weight', message: `weights must grow from step to step (the step before has ${partBefore})` }],
  share: ({ weight }) => ({ part: weight }),
  ...UNTIL_PROVEN,
});
