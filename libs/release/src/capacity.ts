/** Who could answer for a version: numbers of addresses. */
export type Capacity = {
  /** Live workers that have the candidate warm; infinite for a candidate behind an address of its own. */
  candidateWarm: number;
  /** Addresses that answer for control now. */
  controlWarm: number;
  /** Live workers that have not failed to load the candidate. */
  able: number;
};

/**
 * How many addresses must have the candidate warm before it gets `weight` of the traffic: its part of those that carry
 * the traffic now, one at least, and no more than there are workers that can have it.
 */
export function neededWarm(weight: number, { controlWarm, able }: Capacity): number {
  // Shares are decimal: 0.1 × 30 must not need a fourth worker.
  const part = Math.ceil(Math.round(weight * controlWarm * 1e6) / 1e6);
  return Math.max(1, Math.min(part, able));
}

export function enoughWarm(weight: number, capacity: Capacity): boolean {
  return capacity.candidateWarm >= neededWarm(weight, capacity);
}
