import { pairOf } from '../../look/cells.ts';

/**
 * Units of the present step, and those with an event. `failedShare` of errors: which share of a unit's requests failed,
 * on average over units, and `sharedShare`, which of them the control could not answer either.
 */
export type StepCounts = {
  control: { units: number; events: number };
  candidate: { units: number; events: number; failedShare?: number; sharedShare?: number };
};

export function stepCounts(rows: readonly { arm: string; units: number; events: number }[]): StepCounts {
  const of = (row: { units: number; events: number } | undefined) => {
    const { units = 0, events = 0 } = row ?? {};
    return { units, events };
  };
  const { control, candidate } = pairOf(rows);
  return { control: of(control), candidate: of(candidate) };
}
