import { requireCount, requireFinite, sound, StatsError } from '../errors.ts';

/**
 * Count, mean and sum of squared deviations. Can be merged exactly, without cancellation (Welford 1962; Chan, Golub and
 * LeVeque 1983).
 */
export type Moments = { n: number; mean: number; m2: number };

export const EMPTY: Moments = { n: 0, mean: 0, m2: 0 };

/** Adds one value (Welford). */
export const addValue = sound('addValue', ({ n, mean, m2 }: Moments, x: number): Moments => {
  requireFinite('a value', x);
  const d = x - mean;
  const next = mean + d / (n + 1);
  return { n: n + 1, mean: next, m2: m2 + d * (x - next) };
});

/** Two passes: the mean of deviations from the first value, then squared deviations with their own correction. */
export const momentsOf = sound('momentsOf', (values: readonly number[]): Moments => {
  const n = values.length;
  if (n === 0) return EMPTY;
  requireFinite('a value', ...values);
  const shift = values[0] as number;
  const mean = shift + values.reduce((s, x) => s + (x - shift), 0) / n;
  const correction = values.reduce((s, x) => s + (x - mean), 0);
  return {
    n,
    mean: mean + correction / n,
    m2: values.reduce((s, x) => s + (x - mean) ** 2, 0) - (correction * correction) / n,
  };
});

/** Merges two parts (Chan, Golub and LeVeque). */
export const mergeMoments = sound('mergeMoments', (a: Moments, b: Moments): Moments => {
  const n = a.n + b.n;
  if (n === 0) return EMPTY;
  const d = b.mean - a.mean;
  return { n, mean: a.mean + (d * b.n) / n, m2: a.m2 + b.m2 + (d * d * a.n * b.n) / n };
});

/**
 * From sums. Σx² − (Σx)²/n loses digits when the mean is large against the spread: a negative variance is refused, not
 * clipped.
 * @throws StatsError inconsistent_moments
 */
export const fromSums = sound('fromSums', (n: number, sum: number, sumSquares: number): Moments => {
  requireCount('n', n);
  requireFinite('a sum', sum, sumSquares);
  if (n === 0) return EMPTY;
  const m2 = sumSquares - (sum * sum) / n;
  if (m2 < -1e-9 * Math.max(1, sumSquares))
    throw new StatsError(
      'inconsistent_moments',
      `Σx² = ${sumSquares} is less than (Σx)²/n = ${(sum * sum) / n}: no values have these sums`,
    );
  return { n, mean: sum / n, m2: Math.max(0, m2) };
});

/** Sample variance (n − 1); 0 for fewer than two values. */
export const variance = sound('variance', ({ n, m2 }: Moments): number => (n > 1 ? m2 / (n - 1) : 0));
/** Population variance (n). */
export const populationVariance = sound('populationVariance', ({ n, m2 }: Moments): number => (n > 0 ? m2 / n : 0));

/** Sample covariance from sums. */
export const covarianceOfSums = sound(
  'covarianceOfSums',
  (n: number, sumX: number, sumY: number, sumXY: number): number => {
    return n > 1 ? (sumXY - (sumX * sumY) / n) / (n - 1) : 0;
  },
);
