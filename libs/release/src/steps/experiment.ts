import { z } from 'zod';
import { nameSchema, toNineDigits } from '@slipway/core';
import { defineStep } from './step.ts';
import { UNTIL_PROVEN, untilSchema } from './traffic.ts';

/**
 * The candidate answers a share of the units, and has to be shown to be better than control. Of several candidates each
 * has a share of its own, and the one that is shown to be better takes all of the traffic.
 */
export const experiment = defineStep({
  name: 'experiment',
  several: true,
  schema: z.strictObject({
    /** Control and every candidate, as parts of the whole: [50, 50]. Equal parts when absent. */
    split: z.array(z.number().gt(0)).min(2).optional(),
    /** A proportion that a candidate has to be shown to improve. */
    goal: nameSchema,
    until: untilSchema.prefault({}),
  }),
  check: ({ split }, { partBefore, candidates, next }) => {
    const arms = candidates + 1;
    if (split && split.length !== arms)
      return [{ field: 'split', message: `has ${split.length} parts; control and the candidates are ${arms} arms` }];
    // What would follow is for the one that wins: a rollout of its own.
    if (candidates > 1 && next) return [{ at: next.index, message: 'nothing follows an experiment of several arms' }];
    const part = partOf(split ?? equally(candidates));
    return part >= partBefore
      ? []
      : [{ field: 'split', message: `the candidate's share may not shrink (the step before has ${partBefore})` }];
  },
  share: ({ split }, { candidates }) => ({ part: partOf(split ?? equally(candidates)) }),
  parts({ split }, { candidates }) {
    const [, ...parts] = split ?? equally(candidates);
    const sum = parts.reduce((a, b) => a + b, 0);
    return parts.map((part) => part / sum);
  },
  ...UNTIL_PROVEN,
  goal: ({ goal }) => ({ field: 'goal', metric: goal }),
});

const equally = (candidates: number): number[] => new Array<number>(candidates + 1).fill(1);

/** What the candidates have together, 0 to 1. @param split control first */
function partOf([control = 0, ...candidates]: readonly number[]): number {
  const sum = candidates.reduce((a, b) => a + b, 0);
  return toNineDigits(sum / (control + sum));
}
