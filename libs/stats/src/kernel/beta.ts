import { StatsError } from '../errors.ts';
import { lnBeta } from './gamma.ts';

/**
 * Regularised incomplete beta I_x(a, b) and its complement, both to full relative precision: the continued fraction of
 * DLMF 8.17.22 by Lentz's method, from the side on which it converges.
 * @throws StatsError out_of_range outside 0 ≤ x ≤ 1, a > 0, b > 0
 */
export function betaTails(x: number, a: number, b: number, complement = 1 - x): { lower: number; upper: number } {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1))
    throw new StatsError('out_of_range', `betaTails needs 0 ≤ x ≤ 1 and a, b > 0, not ${x}, ${a}, ${b}`);
  if (x === 0) return { lower: 0, upper: 1 };
  if (complement === 0) return { lower: 1, upper: 0 };
  const front = Math.exp(logFront(x, a, b, complement));
  if (x < (a + 1) / (a + b + 2)) {
    const lower = (front * fraction(x, a, b)) / a;
    return { lower, upper: 1 - lower };
  }
  const upper = (front * fraction(complement, b, a)) / b;
  return { lower: 1 - upper, upper };
}

/** Logarithms of {@link betaTails}, exact also where the tails themselves underflow. */
export function betaLogTails(x: number, a: number, b: number, complement = 1 - x): { lower: number; upper: number } {
  const tails = betaTails(x, a, b, complement);
  if (x === 0 || complement === 0) return { lower: Math.log(tails.lower), upper: Math.log(tails.upper) };
  if (x < (a + 1) / (a + b + 2))
    return { lower: logFront(x, a, b, complement) + Math.log(fraction(x, a, b) / a), upper: Math.log1p(-tails.lower) };
  return {
    lower: Math.log1p(-tails.upper),
    upper: logFront(x, a, b, complement) + Math.log(fraction(complement, b, a) / b),
  };
}

const logFront = (x: number, a: number, b: number, complement: number): number =>
  a * Math.log(x) + b * (complement < 0.5 ? Math.log(complement) : Math.log1p(-x)) - lnBeta(a, b);

function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < tiny ? tiny : d);
  let h = d;
  for (let m = 1; m < 20_000; m++) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (Math.abs(d) < tiny ? tiny : d);
      if (Math.abs(c) < tiny) c = tiny;
      h *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return h;
}
