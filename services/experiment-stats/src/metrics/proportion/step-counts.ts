/**
 * Units of one step, and those with an event. For errors, `failedShare` is the mean share of a unit's failed requests,
 * and `sharedShare` the share of those that control could not answer either.
 */
export type StepCounts = {
  control: { units: number; events: number };
  candidate: { units: number; events: number; failedShare?: number; sharedShare?: number };
};
