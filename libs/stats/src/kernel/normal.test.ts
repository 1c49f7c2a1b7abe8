import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile } from './normal.ts';

/**
 * Values to 15 digits from Abramowitz & Stegun's tables and their asymptotic tail, as evaluated with 50-digit
 * arithmetic.
 */
const known: [number, number][] = [
  [0, 0.5],
  [1, 0.841344746068543],
  [-1, 0.158655253931457],
  [1.959963984540054, 0.975],
  [-3, 0.00134989803163],
  [-10, 7.619853024160527e-24],
  [-20, 2.753624118606234e-89],
  [-37, 5.725571222524577e-300],
];

describe('the normal distribution', () => {
  it.each(known)('P(Z ≤ %d) = %d', (z, p) => {
    expect(Math.abs(normalCdf(z) / p - 1)).toBeLessThan(5e-12);
  });
  it('is 0 and 1 at the ends, never NaN', () => {
    expect([normalCdf(Number.NEGATIVE_INFINITY), normalCdf(Number.POSITIVE_INFINITY), normalCdf(-50)]).toEqual([
      0, 1, 0,
    ]);
  });
  it.each([1e-300, 1e-20, 0.001, 0.3, 0.5, 0.9, 0.975])('gives back %d from its cumulative probability', (p) => {
    expect(Math.abs(normalCdf(normalQuantile(p)) / p - 1)).toBeLessThan(5e-12);
  });
  it('refuses a value outside [0, 1]', () => {
    expect(() => normalQuantile(1.1)).toThrow(RangeError);
    expect(() => normalQuantile(Number.NaN)).toThrow(RangeError);
  });
});
