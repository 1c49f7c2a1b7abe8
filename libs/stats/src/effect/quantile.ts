import { sound, StatsError } from '../errors.ts';
import { normalQuantile } from '../kernel/normal.ts';
import type { Arm } from './arm.ts';

/**
 * Sample quantiles at ν and at ν ± z√(ν(1−ν)/n*), read from the data; n* is the largest grid value ≤ n for which they
 * were read.
 */
export type QuantileSample = { n: number; nStar: number; nu: number; estimate: number; lower: number; upper: number };
/** Events within units: sums over units of (events ≤ quantile) and of events. */
export type ClusterSums = {
  clusters: number;
  main: { sum: number; sumSquares: number };
  denominator: { sum: number; sumSquares: number };
  sumProducts: number;
};

/** 100·2ᵏ, k = 0 … 19. */
export const N_STAR_GRID: readonly number[] = Array.from({ length: 20 }, (_, k) => 100 * 2 ** k);

/**
 * Variance of a sample quantile from its order-statistic bounds (Deng, Knoblich and Lu 2018):
 * (n* / n)(n − 1)((U − L)/2z)², with a floor of 1e-5 from 100 values on. Clustered events multiply it by the variance
 * of the share of events below the quantile, over what independent events would have.
 * @throws StatsError when the bounds lie outside the sample or coincide
 */
export const quantileArm = sound(
  'quantileArm',
  ({ n, nStar, nu, estimate, lower, upper }: QuantileSample, clusters?: ClusterSums, alpha: number = 0.05): Arm => {
    const z = normalQuantile(1 - alpha / 2);
    if (n <= z * z * Math.max(nu / (1 - nu), (1 - nu) / nu))
      throw new StatsError('empty_arm', `${n} values are too few to bound the quantile ${nu}`);
    if (!(upper > lower))
      throw new StatsError(
        'inconsistent_moments',
        `the bounds of the quantile coincide at ${lower}, so its variance cannot be estimated`,
      );
    const iid = Math.max((nStar / n) * (n - 1) * ((upper - lower) / (2 * z)) ** 2, n >= 100 ? 1e-5 : 0);
    if (!clusters) return { n, mean: estimate, variance: iid };
    const { clusters: k, main: m, denominator: d } = clusters;
    const [mm, dm] = [m.sum / k, d.sum / k];
    const vm = ((m.sumSquares / k - mm * mm) * k) / (k - 1);
    const vd = (d.sumSquares - (d.sum * d.sum) / k) / (k - 1);
    const cov = ((clusters.sumProducts / k - mm * dm) * k) / (k - 1);
    const ofRatio = (vm - (2 * mm * cov) / dm + (mm * mm * vd) / (dm * dm)) / (k * dm * dm);
    return { n, mean: estimate, variance: (iid * ofRatio) / ((nu * (1 - nu)) / n) };
  },
);
