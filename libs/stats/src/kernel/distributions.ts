import { sound, StatsError } from '../errors.ts';
import { betaLogTails, betaTails } from './beta.ts';
import { gammaLogTails, gammaP, gammaQ } from './gamma.ts';
import { invertIncreasing } from './invert.ts';
import { erfc, normalCdf, normalQuantile } from './normal.ts';

function requireProbability(p: number): void {
  if (!(p >= 0 && p <= 1)) throw new StatsError('out_of_range', `a probability must lie in [0, 1], not ${p}`);
}

/** P(Z > z) for the standard normal, with full relative precision in the far tail. */
export const normalSurvival = sound('normalSurvival', (z: number): number => 0.5 * erfc(z / Math.SQRT2));

/**
 * P(T > t) for Student's t with `df` > 0 degrees of freedom (not necessarily whole). By the incomplete beta function,
 * DLMF 8.17.
 */
export const tSurvival = sound('tSurvival', (t: number, df: number): number => {
  if (!(df > 0)) throw new StatsError('out_of_range', `degrees of freedom must be positive, not ${df}`);
  if (df === Number.POSITIVE_INFINITY) return normalSurvival(t);
  const x = df / (df + t * t);
  const { lower, upper } = betaTails(x, df / 2, 0.5, (t * t) / (df + t * t));
  if (t >= 0) return lower / 2;
  return 0.5 + upper / 2;
});
/** P(T ≤ t) for Student's t. */
export const tCdf = sound('tCdf', (t: number, df: number): number => tSurvival(-t, df));
/** The t with P(T ≤ t) = p. */
export const tQuantile = sound('tQuantile', (p: number, df: number): number => {
  requireProbability(p);
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  if (p < 0.5) return -tQuantileUpper(p, df);
  return p === 0.5 ? 0 : tQuantileUpper(1 - p, df);
});
/** The t with P(T > t) = q, for q < ½. */
function tQuantileUpper(q: number, df: number): number {
  let high = 2;
  while (tSurvival(high, df) > q) high *= 2;
  return invertIncreasing((t) => -tSurvival(t, df), -q, 0, high);
}

/** P(X ≤ x) for χ². */
export const chiSquareCdf = sound('chiSquareCdf', (x: number, df: number): number =>
  x <= 0 ? 0 : gammaP(df / 2, x / 2),
);
/** The x with P(X ≤ x) = p for χ². */
export const chiSquareQuantile = sound('chiSquareQuantile', (p: number, df: number): number => {
  requireProbability(p);
  return gammaQuantile(p, df / 2, 2);
});

/** P(X > x) for gamma with `shape` and `scale`. */
export const gammaSurvival = sound('gammaSurvival', (x: number, shape: number, scale: number = 1): number =>
  x <= 0 ? 1 : gammaQ(shape, x / scale),
);
/** P(X ≤ x) for gamma with `shape` and `scale`. */
export const gammaCdf = sound('gammaCdf', (x: number, shape: number, scale: number = 1): number =>
  x <= 0 ? 0 : gammaP(shape, x / scale),
);
/** The x with P(X ≤ x) = p for gamma. */
export const gammaQuantile = sound('gammaQuantile', (p: number, shape: number, scale: number = 1): number => {
  requireProbability(p);
  if (p === 0) return 0;
  if (p === 1) return Number.POSITIVE_INFINITY;
  let high = shape + 10 * Math.sqrt(shape) + 10;
  while (gammaP(shape, high) < p) high *= 2;
  return (
    scale *
    (p < 0.5
      ? invertIncreasing((x) => gammaP(shape, x), p, 0, high)
      : invertIncreasing((x) => -gammaQ(shape, x), -(1 - p), 0, high))
  );
});

/** P(X ≤ x) for Beta(a, b). */
export const betaCdf = sound('betaCdf', (x: number, a: number, b: number): number =>
  x <= 0 ? 0 : x >= 1 ? 1 : betaTails(x, a, b).lower,
);
/** P(X > x) for Beta(a, b). */
export const betaSurvival = sound('betaSurvival', (x: number, a: number, b: number): number =>
  x <= 0 ? 1 : x >= 1 ? 0 : betaTails(x, a, b).upper,
);
/** The x with P(X ≤ x) = p for Beta(a, b). */
export const betaQuantile = sound('betaQuantile', (p: number, a: number, b: number): number => {
  requireProbability(p);
  return p === 0 ? 0 : p === 1 ? 1 : invertIncreasing((x) => betaCdf(x, a, b), p, 0, 1);
});

/** P(F > f) for Snedecor's F. */
export const fSurvival = sound('fSurvival', (f: number, df1: number, df2: number): number => {
  if (f <= 0) return 1;
  return betaTails(df2 / (df2 + df1 * f), df2 / 2, df1 / 2, (df1 * f) / (df2 + df1 * f)).lower;
});
/** P(F ≤ f) for Snedecor's F. */
export const fCdf = sound('fCdf', (f: number, df1: number, df2: number): number => {
  if (f <= 0) return 0;
  return betaTails((df1 * f) / (df2 + df1 * f), df1 / 2, df2 / 2, df2 / (df2 + df1 * f)).lower;
});

/** The f with P(F ≤ f) = p, by the quantile of Beta(df1/2, df2/2) from the nearer end. */
export const fQuantile = sound('fQuantile', (p: number, df1: number, df2: number): number => {
  requireProbability(p);
  if (p === 0) return 0;
  if (p === 1) return Number.POSITIVE_INFINITY;
  if (p < 0.5) {
    const x = betaQuantile(p, df1 / 2, df2 / 2);
    return (df2 * x) / (df1 * (1 - x));
  }
  const y = betaQuantile(1 - p, df2 / 2, df1 / 2);
  return (df2 * (1 - y)) / (df1 * y);
});

/**
 * P(K > x) for Kolmogorov's distribution: the alternating series above 1, the theta form below (both exact; Marsaglia,
 * Tsang and Wang 2003 for why two).
 */
export const kolmogorovSurvival = sound('kolmogorovSurvival', (x: number): number => {
  if (x <= 0) return 1;
  if (x < 1) {
    let sum = 0;
    for (let k = 1; k < 100; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k < 100; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x);
  return 2 * sum;
});

/** ln P(Z > z): beyond z = 20 by the asymptotic continued fraction, where the probability itself underflows. */
export const normalLogSurvival = sound('normalLogSurvival', (z: number): number => {
  if (z < -1) return Math.log1p(-normalSurvival(-z));
  if (z < 20) return Math.log(normalSurvival(z));
  let f = 0;
  for (let k = 60; k > 0; k--) f = k / (z + f);
  return -0.5 * z * z - 0.5 * Math.log(2 * Math.PI) - Math.log(z + f);
});
/** ln P(Z ≤ z). */
export const normalLogCdf = sound('normalLogCdf', (z: number): number => normalLogSurvival(-z));

/** ln P(T > t) for Student's t, exact also where the probability underflows. */
export const tLogSurvival = sound('tLogSurvival', (t: number, df: number): number => {
  if (!(df > 0)) throw new StatsError('out_of_range', `degrees of freedom must be positive, not ${df}`);
  if (df === Number.POSITIVE_INFINITY) return normalLogSurvival(t);
  if (t < 0) return Math.log1p(-tSurvival(-t, df));
  if (t === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  return betaLogTails(df / (df + t * t), df / 2, 0.5, (t * t) / (df + t * t)).lower - Math.LN2;
});
/** ln P(T ≤ t) for Student's t. */
export const tLogCdf = sound('tLogCdf', (t: number, df: number): number => tLogSurvival(-t, df));

/** ln P(X > x) for gamma with `shape` and `scale`. */
export const gammaLogSurvival = sound('gammaLogSurvival', (x: number, shape: number, scale: number = 1): number =>
  x <= 0 ? 0 : gammaLogTails(shape, x / scale).upper,
);
/** ln P(X ≤ x) for gamma with `shape` and `scale`. */
export const gammaLogCdf = sound('gammaLogCdf', (x: number, shape: number, scale: number = 1): number =>
  x <= 0 ? Number.NEGATIVE_INFINITY : gammaLogTails(shape, x / scale).lower,
);
/** ln P(X > x) for χ². */
export const chiSquareLogSurvival = sound('chiSquareLogSurvival', (x: number, df: number): number =>
  gammaLogSurvival(x, df / 2, 2),
);
/** ln P(X ≤ x) for χ². */
export const chiSquareLogCdf = sound('chiSquareLogCdf', (x: number, df: number): number => gammaLogCdf(x, df / 2, 2));

/** ln P(X ≤ x) for Beta(a, b). */
export const betaLogCdf = sound('betaLogCdf', (x: number, a: number, b: number): number =>
  x <= 0 ? Number.NEGATIVE_INFINITY : x >= 1 ? 0 : betaLogTails(x, a, b).lower,
);
/** ln P(X > x) for Beta(a, b). */
export const betaLogSurvival = sound('betaLogSurvival', (x: number, a: number, b: number): number =>
  x <= 0 ? 0 : x >= 1 ? Number.NEGATIVE_INFINITY : betaLogTails(x, a, b).upper,
);

/** ln P(F > f) for Snedecor's F. */
export const fLogSurvival = sound('fLogSurvival', (f: number, df1: number, df2: number): number =>
  f <= 0 ? 0 : betaLogTails(df2 / (df2 + df1 * f), df2 / 2, df1 / 2, (df1 * f) / (df2 + df1 * f)).lower,
);
/** ln P(F ≤ f) for Snedecor's F. */
export const fLogCdf = sound('fLogCdf', (f: number, df1: number, df2: number): number =>
  f <= 0
    ? Number.NEGATIVE_INFINITY
    : betaLogTails((df1 * f) / (df2 + df1 * f), df1 / 2, df2 / 2, df2 / (df2 + df1 * f)).lower,
);

export { normalCdf, normalQuantile };
