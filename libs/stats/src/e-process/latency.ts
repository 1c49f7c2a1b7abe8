import { sound, StatsError } from '../errors.ts';
import { normalCdf, normalQuantile } from '../kernel/normal.ts';
import { boundedExp } from '../kernel/bounded-exp.ts';
import { MixtureWealth, type RunningEvidence } from './mixture.ts';

/** Requests of the two concurrent arms in one arrival second by latency bucket. */
export type LatencyCell = { second: number; weight: number; control: readonly number[]; candidate: readonly number[] };

/** Alternatives: slow-downs in normal scores. */
export const SHIFTS = [0.05, 0.1, 0.2, 0.4, 0.7, 1.1, 1.8, 2.7] as const;

/**
 * ρ_b(h): mass of bucket b when the distribution is shifted up by h normal scores, over its own mass. Non-decreasing in
 * b.
 */
export const shiftRatios = sound('shiftRatios', (masses: readonly number[], h: number): number[] => {
  if (masses.some((m) => !(m >= 0)) || !(Math.abs(masses.reduce((a, b) => a + b, 0) - 1) < 1e-6))
    throw new StatsError('invalid_weights', `the shares of the buckets must sum to 1: ${masses.join(', ')}`);
  let below = 0;
  return masses.map((mass) => {
    const lo = normalQuantile(Math.min(1, below));
    below += mass;
    const hi = normalQuantile(Math.min(1, below));
    return mass > 0 ? (normalCdf(hi - h) - normalCdf(lo - h)) / mass : 1;
  });
});

/**
 * E-value against "the candidate is stochastically no slower than the control" over latency buckets cut at the
 * control's own quantiles from before the rollout. Every request of the candidate multiplies by ρ_b/(1 + w(ρ_b − 1)),
 * of the control by 1/(1 + w(ρ_b − 1)). A margin enters by cutting the candidate's buckets at margin × the edges.
 */
export class LatencyEvidence implements RunningEvidence {
  private mixture: MixtureWealth;
  private readonly buckets: number;
  private readonly ratios: number[][];
  private readonly gain: number[][];
  private readonly costs = new Map<number, number[][]>();
  private readonly masses: readonly number[];
  private readonly shifts = new Map<number, number[]>();
  /** All requests so far, by weight and bucket. */
  private seen = new Map<number, { control: number[]; candidate: number[] }>();
  private readonly factors = new Array<number>(SHIFTS.length).fill(0);
  private readonly made: readonly [readonly number[], number, number];

  /** @param masses the control's share of requests per bucket, summing to 1 */
  constructor(masses: readonly number[], startSecond: number, plannedSeconds: number) {
    this.made = [masses, startSecond, plannedSeconds];
    this.buckets = masses.length;
    this.masses = masses;
    this.ratios = SHIFTS.map((h) => shiftRatios(masses, h));
    this.gain = this.ratios.map((rho) => rho.map(Math.log));
    this.mixture = new MixtureWealth(SHIFTS.length, startSecond, plannedSeconds);
  }

  add({ second, weight: w, control, candidate }: LatencyCell): void {
    if (!(w >= 0 && w <= 1)) throw new StatsError('out_of_range', `a candidate share must lie in [0, 1], not ${w}`);
    for (const counts of [control, candidate]) {
      if (counts.length !== this.buckets)
        throw new StatsError('length_mismatch', `${counts.length} buckets, the baseline has ${this.buckets}`);
      if (counts.some((n) => !(n >= 0 && n < Number.POSITIVE_INFINITY)))
        throw new StatsError('not_a_count', `the requests of a bucket must be counts, not ${counts.join(', ')}`);
    }
    if (w === 0 || w === 1) return;
    let seen = this.seen.get(w);
    if (!seen) {
      seen = { control: zeros(this.buckets), candidate: zeros(this.buckets) };
      this.seen.set(w, seen);
    }
    for (let b = 0; b < this.buckets; b++) {
      seen.control[b] = (seen.control[b] as number) + (control[b] as number);
      seen.candidate[b] = (seen.candidate[b] as number) + (candidate[b] as number);
    }
    let cost = this.costs.get(w);
    if (!cost) {
      cost = this.ratios.map((rho) => rho.map((r) => -Math.log(1 + w * (r - 1))));
      this.costs.set(w, cost);
    }
    for (let j = 0; j < SHIFTS.length; j++) {
      let sum = 0;
      const [gain, price] = [this.gain[j] as number[], cost[j] as number[]];
      for (let b = 0; b < gain.length; b++) {
        const n = candidate[b] as number;
        const all = n + (control[b] as number);
        if (all > 0) sum += (n > 0 ? n * (gain[b] as number) : 0) + all * (price[b] as number);
      }
      this.factors[j] = sum;
    }
    this.mixture.add(second, this.factors);
  }

  /** The same so far; what is added to either does not change the other. */
  copy(): LatencyEvidence {
    const copy = new LatencyEvidence(...this.made);
    copy.mixture = this.mixture.copy();
    copy.seen = new Map(
      [...this.seen].map(([w, { control, candidate }]) => [w, { control: [...control], candidate: [...candidate] }]),
    );
    return copy;
  }

  valueAt(second: number): number {
    return this.mixture.valueAt(second);
  }

  private ratiosOf(shift: number): number[] {
    let found = this.shifts.get(shift);
    if (!found) {
      found = shiftRatios(this.masses, shift);
      this.shifts.set(shift, found);
    }
    return found;
  }

  /**
   * The mean decrease of the logarithm of {@link likelihoodRatio} for each request when the candidate is not slower, at
   * weight w.
   */
  decay(shift: number, w: number): number {
    return this.ratiosOf(shift).reduce(
      (sum, rho, b) => sum + (this.masses[b] as number) * (Math.log1p(w * (rho - 1)) - w * Math.log(rho)),
      0,
    );
  }

  /**
   * Likelihood ratio of "the candidate is slower by `shift` normal scores" against "it is not slower", over all
   * requests so far.
   */
  likelihoodRatio(shift: number): number {
    const rho = this.ratiosOf(shift);
    let log = 0;
    for (const [w, { control, candidate }] of this.seen) {
      rho.forEach((r, b) => {
        const n = candidate[b] as number;
        log += (n > 0 ? n * Math.log(r) : 0) - (n + (control[b] as number)) * Math.log1p(w * (r - 1));
      });
    }
    return boundedExp(log);
  }
}

const zeros = (buckets: number): number[] => new Array<number>(buckets).fill(0);

/**
 * A slow-down in normal scores of a distribution with these p50 and p90, assuming that it is lognormal between them:
 * ln(ratio) / σ.
 */
export const latencyShift = sound('latencyShift', (ratio: number, p50: number, p90: number): number => {
  if (!(ratio > 1 && p90 > p50 && p50 > 0))
    throw new StatsError(
      'out_of_range',
      `need a slow-down above 1 and quantiles 0 < p50 < p90, not ${ratio}, ${p50}, ${p90}`,
    );
  return (Math.log(ratio) * normalQuantile(0.9)) / Math.log(p90 / p50);
});

/** {@link LatencyEvidence} of a whole list of cells, in order of second. */
export const latencyEvidence = sound(
  'latencyEvidence',
  (
    cells: readonly LatencyCell[],
    masses: readonly number[],
    startSecond: number,
    plannedSeconds: number,
    nowSecond: number,
  ): number => {
    const evidence = new LatencyEvidence(masses, startSecond, plannedSeconds);
    for (const cell of cells) evidence.add(cell);
    return evidence.valueAt(nowSecond);
  },
);
