import { requireCount, requireFinite, sound, StatsError } from '../errors.ts';
import { covarianceOfSums, fromSums, type Moments, variance as varianceOf } from '../moments/moments.ts';

/**
 * The summary of one arm that every test uses: units, estimate, and the variance of one unit's contribution, so that
 * se² = variance / n.
 */
export type Arm = {
  n: number;
  mean: number;
  variance: number;
  /**
   * Denominator of a relative effect, when it differs from the mean (an adjusted mean is divided by the unadjusted
   * one).
   */
  baseline?: number;
};

/** Checks the summary of an arm. @throws StatsError empty_arm, not_finite, inconsistent_moments */
export function requireArm({ n, mean, variance }: Arm, least = 1): void {
  requireUnits(n, least);
  requireFinite('the mean and the variance of an arm', mean, variance);
  if (variance < 0) throw new StatsError('inconsistent_moments', `an arm has the variance ${variance}`);
}
function requireUnits(n: number, least: number): void {
  requireCount('n', n);
  if (n < least) throw new StatsError('empty_arm', `an arm needs at least ${least} units, this one has ${n}`);
}

/** A mean per unit. @throws StatsError empty_arm below two units */
export const meanArm = sound('meanArm', (m: Moments): Arm => {
  requireUnits(m.n, 2);
  return { n: m.n, mean: m.mean, variance: varianceOf(m) };
});
/** A mean per unit from Σx and Σx²; loses digits as {@link fromSums} does. */
export const meanArmFromSums = sound(
  'meanArmFromSums',
  (n: number, sum: number, sumSquares: number): Arm => meanArm(fromSums(n, sum, sumSquares)),
);

/** A share of units; variance p(1 − p). */
export const proportionArm = sound('proportionArm', (n: number, successes: number): Arm => {
  requireUnits(n, 1);
  requireFinite('successes', successes);
  const p = successes / n;
  if (p < 0 || p > 1) throw new StatsError('out_of_range', `${successes} successes of ${n} units`);
  return { n, mean: p, variance: p * (1 - p) };
});

export type RatioSums = {
  n: number;
  numerator: { sum: number; sumSquares: number };
  denominator: { sum: number; sumSquares: number };
  sumProducts: number;
};

/**
 * ΣM / ΣD with the unit randomised: delta method, s² = (s_M² − 2R s_MD + R² s_D²) / D̄².
 * @throws StatsError inconsistent_moments when the moments give a negative variance
 */
export const ratioArm = sound('ratioArm', ({ n, numerator: m, denominator: d, sumProducts }: RatioSums): Arm => {
  requireUnits(n, 2);
  if (d.sum === 0) throw new StatsError('empty_arm', 'the denominators of the ratio sum to zero');
  const r = m.sum / d.sum;
  const md = covarianceOfSums(n, m.sum, d.sum, sumProducts);
  const s2 =
    (varianceOf(fromSums(n, m.sum, m.sumSquares)) - 2 * r * md + r * r * varianceOf(fromSums(n, d.sum, d.sumSquares))) /
    (d.sum / n) ** 2;
  if (s2 < 0) throw new StatsError('inconsistent_moments', `the moments of the ratio give the variance ${s2}`);
  return { n, mean: r, variance: s2 };
});
