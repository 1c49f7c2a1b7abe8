import { sound, StatsError } from '../errors.ts';
/** Coefficients of Lanczos' approximation for g = 7, n = 9 (Godfrey); relative error below 1e-14 for x ≥ 0.5. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0. @throws StatsError out_of_range otherwise */
export const lnGamma = sound('lnGamma', (x: number): number => {
  if (!(x > 0)) throw new StatsError('out_of_range', `lnGamma needs x > 0, not ${x}`);
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x);
  const t = x - 1;
  const sum = LANCZOS.reduce((s, c, i) => s + (i === 0 ? c : c / (t + i)), 0);
  const base = t + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (t + 0.5) * Math.log(base) - base + Math.log(sum);
});

/** ln B(a, b). */
export const lnBeta = sound('lnBeta', (a: number, b: number): number => {
  if (a < 20 || b < 20) {
    const small = Math.min(a, b);
    const large = Math.max(a, b);
    if (large < 20) return lnGamma(a) + lnGamma(b) - lnGamma(a + b);
    // Γ(large) / Γ(large + small) through Stirling, since the two logarithms nearly cancel
    return (
      lnGamma(small) +
      stirling(large) -
      stirling(large + small) -
      (large - 0.5) * Math.log1p(small / large) -
      small * Math.log(large + small) +
      small
    );
  }
  return (
    0.5 * Math.log(2 * Math.PI) -
    0.5 * Math.log(b) +
    (a - 0.5) * Math.log(a / (a + b)) -
    b * Math.log1p(a / b) +
    stirling(a) +
    stirling(b) -
    stirling(a + b)
  );
});

/**
 * Regularised incomplete gamma functions: the series below x = a + 1, Lentz's continued fraction above (DLMF 8.7.1,
 * 8.9.2). The prefactor xᵃ e⁻ˣ / Γ(a) is taken through Stirling's series for large a, where the difference of
 * logarithms would lose digits.
 */
function incomplete(a: number, x: number): { series: number; fraction: null } | { series: null; fraction: number } {
  if (!(a > 0) || !(x >= 0))
    throw new StatsError('out_of_range', `the incomplete gamma function needs a > 0 and x ≥ 0, not ${a} and ${x}`);
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let k = 1; k < 100_000 && term > sum * 1e-17; k++) {
      term *= x / (a + k);
      sum += term;
    }
    return { series: sum, fraction: null };
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 100_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b || 1e-300);
    c = b + an / c || 1e-300;
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return { series: null, fraction: h };
}

/** xᵃ e⁻ˣ / Γ(a). For a ≥ 20: √(a / 2π) exp(−a φ(x/a) − s(a)) with φ(u) = u − 1 − ln u and s Stirling's correction. */
function prefactor(a: number, x: number): number {
  if (x === 0) return 0;
  if (a < 20) return Math.exp(a * Math.log(x) - x - lnGamma(a));
  return Math.sqrt(a / (2 * Math.PI)) * Math.exp(-exponent(a, x));
}
/** a φ(x/a) + s(a). */
function exponent(a: number, x: number): number {
  const mu = (x - a) / a;
  // ln(x/a) by two logarithms: x/a itself loses an x that is tiny beside a.
  return a * (Math.abs(mu) < 0.3 ? logGap(mu) : mu - (Math.log(x) - Math.log(a))) + stirling(a);
}

/** μ − ln(1 + μ) without cancellation: μ² Σ (−μ)ᵏ / (k + 2). */
function logGap(mu: number): number {
  let sum = 0;
  let power = 1;
  for (let k = 0; k < 60; k++) {
    sum += power / (k + 2);
    power *= -mu;
  }
  return mu * mu * sum;
}

/** ln Γ(a) − (a − ½) ln a + a − ½ ln 2π (DLMF 5.11.1). */
function stirling(a: number): number {
  const b = 1 / (a * a);
  return (1 / a) * (1 / 12 - b * (1 / 360 - b * (1 / 1260 - b * (1 / 1680 - b / 1188))));
}

/** Logarithms of both tails, exact also where the tails themselves underflow. */
export function gammaLogTails(a: number, x: number): { lower: number; upper: number } {
  const [p, q] = [gammaP(a, x), gammaQ(a, x)];
  if (x === 0 || x === Number.POSITIVE_INFINITY) return { lower: Math.log(p), upper: Math.log(q) };
  const front = a < 20 ? a * Math.log(x) - x - lnGamma(a) : 0.5 * Math.log(a / (2 * Math.PI)) - exponent(a, x);
  const { series, fraction } = incomplete(a, x);
  return series === null
    ? { lower: Math.log1p(-q), upper: front + Math.log(fraction) }
    : { lower: front + Math.log(series), upper: Math.log1p(-p) };
}

/** Γ(a, x) / Γ(a): the upper tail. */
export const gammaQ = sound('gammaQ', (a: number, x: number): number => {
  const { series, fraction } = incomplete(a, x);
  const front = prefactor(a, x);
  return series === null ? front * fraction : Math.max(0, 1 - front * series);
});
/** γ(a, x) / Γ(a): the lower tail. */
export const gammaP = sound('gammaP', (a: number, x: number): number => {
  const { series, fraction } = incomplete(a, x);
  const front = prefactor(a, x);
  return series === null ? Math.max(0, 1 - front * fraction) : front * series;
});

/** P(X > x) for χ² with `df` degrees of freedom. */
export const chiSquareSurvival = sound('chiSquareSurvival', (x: number, df: number): number => {
  return x <= 0 ? 1 : gammaQ(df / 2, x / 2);
});
