import { normalCdf, normalQuantile } from '../kernel/normal.ts';
import { mixtureWealth } from './mixture.ts';

/** Requests of the two concurrent arms in one arrival second by latency bucket. */
export type LatencyCell = { second: number; weight: number; control: readonly number[]; candidate: readonly number[] };

/** Slow-downs that are bet on, in normal scores. */
export const SHIFTS = [0.05, 0.1, 0.2, 0.4, 0.7, 1.1, 1.8, 2.7] as const;

/** ρ_b(h): mass of bucket b when the distribution is shifted up by h normal scores, over its own mass. Non-decreasing in b. */
export function shiftRatios(masses: readonly number[], h: number): number[] {
  let below = 0;
  return masses.map((mass) => {
    const lo = normalQuantile(Math.min(1, below));
    below += mass;
    const hi = normalQuantile(Math.min(1, below));
    return mass > 0 ? (normalCdf(hi - h) - normalCdf(lo - h)) / mass : 1;
  });
}

/**
 * E-value against "the candidate is stochastically no slower than the control" over latency buckets cut at the control's own quantiles
 * from before the rollout. Every request of the candidate multiplies by ρ_b/(1 + w(ρ_b − 1)), of the control by 1/(1 + w(ρ_b − 1)).
 * A margin enters by cutting the candidate's buckets at margin × the edges.
 *
 * @param masses the control's share of requests per bucket, summing to 1
 */
export function latencyEvidence(
  cells: readonly LatencyCell[],
  masses: readonly number[],
  startSecond: number,
  plannedSeconds: number,
  nowSecond: number,
): number {
  const ratios = SHIFTS.map((h) => shiftRatios(masses, h));
  const series = function* () {
    for (const { second, weight: w, control, candidate } of cells) {
      if (w <= 0 || w >= 1) continue;
      yield {
        second,
        logFactors: ratios.map((rho) => {
          let sum = 0;
          for (let b = 0; b < rho.length; b++) {
            const r = rho[b] as number;
            const n = candidate[b] as number;
            sum += n * Math.log(r) - (n + (control[b] as number)) * Math.log(1 + w * (r - 1));
          }
          return sum;
        }),
      };
    }
  };
  return mixtureWealth(series(), SHIFTS.length, startSecond, plannedSeconds, nowSecond);
}
