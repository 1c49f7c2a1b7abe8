/** Numbers of addresses that can answer for a version. */
export type Capacity = {
  /** Live workers with the candidate warm; infinite for a candidate with an address of its own. */
  candidateWarm: number;
  /** Addresses that answer for control now. */
  controlWarm: number;
  /** Live workers that have not failed to load the candidate. */
  able: number;
};

/**
 * How many addresses must have the candidate warm before it gets `weight` of the traffic: the same part of those that
 * carry the traffic now, at least one, and at most the workers that can load it.
 */
export function neededWarm(weight: number, { controlWarm, able }: Capacity): number {
  // Shares are decimal: rounding errors must not make 0.1 × 30 need a fourth worker.
  const part = Math.ceil(Math.round(weight * controlWarm * 1e6) / 1e6);
  return Math.max(1, Math.min(part, able));
}

export function enoughWarm(weight: number, capacity: Capacity): boolean {
  return capacity.candidateWarm >= neededWarm(weight, capacity);
}
