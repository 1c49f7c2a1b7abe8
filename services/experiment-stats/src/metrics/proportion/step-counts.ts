import type { Arm } from '../../look/cells.ts';

/**
 * Units of the present step, and those with an event. `failedShare` of errors: which share of a unit's requests failed,
 * on average over units, and `sharedShare`, which of them the control could not answer either.
 */
export type StepCounts = {
  control: { units: number; events: number };
  candidate: { units: number; events: number; failedShare?: number; sharedShare?: number };
};

export function stepCounts(rows: readonly { arm: Arm; units: number; events: number }[]): StepCounts {
  const of = (arm: Arm) => {
    const { units = 0, events = 0 } = rows.find((r) => r.arm === arm) ?? {};
    return { units, events };
  };
  return { control: of('control'), candidate: of('candidate') };
}
