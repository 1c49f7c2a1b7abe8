/**
 * Units of one step, and those with an event. `failedShare` of errors: which share of a unit's requests failed, on
 * average over units, and `sharedShare`, which of them the control could not answer either.
 */
export type StepCounts = {
  control: { units: number; events: number };
  candidate: { units: number; events: number; failedShare?: number; sharedShare?: number };
};
