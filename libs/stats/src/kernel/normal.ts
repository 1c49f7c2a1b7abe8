import { sound, StatsError } from '../errors.ts';
const SQRT2 = Math.SQRT2;
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/**
 * Complementary error function. Maclaurin series of erf below 2.5, Lentz's continued fraction above (Abramowitz &
 * Stegun 7.1.5, 7.1.14). Relative error about 1e-15 below 2.5 and in the tail, until it underflows near x = 26.5.
 */
export const erfc = sound('erfc', (x: number): number => {
  if (Number.isNaN(x)) return Number.NaN;
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < 1) return 1 - erfSeries(x);
  return erfcFraction(x);
});

function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    const add = term / (2 * n + 1);
    sum += add;
    if (Math.abs(add) < 1e-17 * Math.abs(sum)) break;
  }
  return TWO_OVER_SQRT_PI * sum;
}

/** erfc(x) = exp(−x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))) */
function erfcFraction(x: number): number {
  let f = x;
  let c = x;
  let d = 0;
  for (let k = 1; k < 2000; k++) {
    const a = k / 2;
    d = 1 / (x + a * d);
    c = x + a / c;
    const delta = c * d;
    f *= delta;
    if (Math.abs(delta - 1) < 1e-16) break;
  }
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * f);
}

/** P(Z ≤ z) for a standard normal Z; relative precision holds in the lower tail. */
export const normalCdf = sound('normalCdf', (z: number): number => {
  return 0.5 * erfc(-z / SQRT2);
});

/**
 * Inverse of {@link normalCdf} on [0, 1], by Newton steps on the logarithm of the cdf (fast in the far tail), bracketed
 * by bisection; ±Infinity at the ends.
 * @throws StatsError out_of_range outside [0, 1]
 */
export const normalQuantile = sound('normalQuantile', (p: number): number => {
  if (!(p >= 0 && p <= 1)) throw new StatsError('out_of_range', `a probability must lie in [0, 1], not ${p}`);
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  if (p > 0.5) return -normalQuantile(1 - p);
  let lo = -39;
  let hi = 0;
  let z = -1;
  for (let i = 0; i < 200; i++) {
    const f = normalCdf(z);
    if (f > p) hi = z;
    else lo = z;
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const newton = density > 0 && f > 0 ? z - (Math.log(f / p) * f) / density : Number.NaN;
    const next = newton > lo && newton < hi ? newton : (lo + hi) / 2;
    if (Math.abs(next - z) <= 1e-15 * Math.max(1, Math.abs(z))) return next;
    z = next;
  }
  return z;
});
