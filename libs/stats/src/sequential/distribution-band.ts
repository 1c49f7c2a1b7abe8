import { requireCount, requireFinite, requireOpenUnit, sound, StatsError } from '../errors.ts';

/**
 * Half-width of a band around the empirical distribution function that holds at all sample sizes together: 0.85 √((ln
 * ln(e n) + 0.8 ln(1612/α)) / n) (Howard and Ramdas 2022, "Sequential estimation of quantiles", corollary 2). Assumes
 * independence only, so whole latency distributions may be looked at after every request.
 *
 * @param n values seen so far
 * @returns a difference of probabilities; 1 before the band says anything
 */
export const distributionBand = sound('distributionBand', (n: number, alpha: number): number => {
  requireCount('n', n);
  requireOpenUnit('alpha', alpha);
  if (n === 0) return 1;
  return Math.min(1, 0.85 * Math.sqrt((Math.log(Math.log(Math.E * n)) + 0.8 * Math.log(1612 / alpha)) / n));
});

/**
 * Time-uniform bounds on a quantile, such as the p99 of latency: the values at q ∓ band. A bound is infinite while the
 * sample does not reach it.
 * @param sorted ascending, in any unit; the bounds have the same
 */
export const quantileBand = sound(
  'quantileBand',
  (sorted: readonly number[], q: number, alpha: number): { estimate: number; lower: number; upper: number } => {
    requireOpenUnit('q', q);
    if (sorted.length === 0) throw new StatsError('empty_arm', 'there are no values');
    requireFinite('a value', ...sorted);
    const n = sorted.length;
    const band = distributionBand(n, alpha);
    const at = (p: number): number =>
      p <= 0
        ? Number.NEGATIVE_INFINITY
        : p > 1 - 1e-15
          ? Number.POSITIVE_INFINITY
          : (sorted[Math.min(n - 1, Math.ceil(p * n) - 1)] as number);
    return { estimate: at(q), lower: at(q - band), upper: at(q + band) };
  },
);

/**
 * Whether two distributions differ anywhere, valid at every look: whether their bands at α/2 each are disjoint
 * somewhere.
 * @param ecdfDistance largest difference of the empirical distribution functions
 */
export const bandsDiffer = sound(
  'bandsDiffer',
  (ecdfDistance: number, n: number, m: number, alpha: number): boolean => {
    return ecdfDistance > distributionBand(n, alpha / 2) + distributionBand(m, alpha / 2);
  },
);
