import { requireCount, requireOpenUnit, sound, StatsError } from '../errors.ts';
import { lnGamma } from '../kernel/gamma.ts';

/** Dirichlet concentration: a larger value gives more power against smaller, later deviations. */
export const DEFAULT_CONCENTRATION = 100;

function requireShares(theta: readonly number[]): void {
  const sum = theta.reduce((a, b) => a + b, 0);
  if (theta.length < 2 || theta.some((t) => !(t > 0)) || Math.abs(sum - 1) > 1e-9)
    throw new StatsError('invalid_weights', `shares must be positive and sum to 1, not ${theta.join(', ')}`);
}

/**
 * ln of the Bayes factor against "events fall on the arms with shares θ₀", mixed over a Dirichlet(k θ₀) prior
 * (Lindon and Malek 2022). A test martingale under H₀ whatever the time course that the arms share: for counts of
 * errors, and for the sample ratio itself.
 */
export const logBayesFactor = sound(
  'logBayesFactor',
  (counts: readonly number[], theta0: readonly number[], concentration: number = DEFAULT_CONCENTRATION): number => {
    requireShares(theta0);
    requireCount('a count', ...counts);
    const n = counts.reduce((a, b) => a + b, 0);
    let log = lnGamma(concentration) - lnGamma(concentration + n);
    counts.forEach((x, i) => {
      const a = concentration * (theta0[i] as number);
      log += lnGamma(a + x) - lnGamma(a) - x * Math.log(theta0[i] as number);
    });
    return log;
  },
);

/** After each batch: the log Bayes factor of all counts so far, and the always-valid p (the smallest 1/BF so far). */
export const sequentialMultinomial = sound(
  'sequentialMultinomial',
  (
    batches: readonly (readonly number[])[],
    theta0: readonly number[],
    concentration: number = DEFAULT_CONCENTRATION,
  ): { logBayesFactor: number[]; pValue: number[] } => {
    const total = theta0.map(() => 0);
    let p = 1;
    const out = { logBayesFactor: [] as number[], pValue: [] as number[] };
    for (const batch of batches) {
      if (batch.length !== theta0.length)
        throw new StatsError('length_mismatch', `${batch.length} counts for ${theta0.length} arms`);
      batch.forEach((x, i) => {
        total[i] = (total[i] as number) + x;
      });
      const log = logBayesFactor(total, theta0, concentration);
      p = Math.min(p, Math.exp(-log));
      out.logBayesFactor.push(log);
      out.pValue.push(p);
    }
    return out;
  },
);

/**
 * Confidence sequence of the log ratio of two event intensities, candidate over control, given the arms' shares ρ:
 * with ratio e^δ an event is the candidate's with probability ρ₁ e^δ / (ρ₀ + ρ₁ e^δ); the δ whose Bayes
 * factor stays below 1/α.
 */
export const intensityRatio = sound(
  'intensityRatio',
  (
    counts: readonly [number, number],
    rho: readonly [number, number],
    alpha: number,
    concentration: number = DEFAULT_CONCENTRATION,
  ): { logRatio: number; lower: number; upper: number } => {
    requireShares(rho);
    requireCount('a count', ...counts);
    requireOpenUnit('alpha', alpha);
    const [c, t] = counts;
    const n = c + t;
    const [ac, at] = rho.map((r) => concentration * r) as [number, number];
    const mixture =
      lnGamma(concentration) -
      lnGamma(concentration + n) +
      lnGamma(ac + c) -
      lnGamma(ac) +
      lnGamma(at + t) -
      lnGamma(at);
    const logit0 = Math.log(rho[1] / rho[0]);
    const outside = (delta: number) => {
      const x = logit0 + delta;
      // ln p and ln(1 − p) of a logit, without overflow
      const softplus = Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
      return mixture - t * (x - softplus) + c * softplus >= -Math.log(alpha);
    };
    const estimate =
      c > 0 && t > 0
        ? Math.log(t / c) - logit0
        : t > 0
          ? Number.POSITIVE_INFINITY
          : c > 0
            ? Number.NEGATIVE_INFINITY
            : 0;
    const center = Number.isFinite(estimate) ? estimate : Math.log((t + 0.5) / (c + 0.5)) - logit0;
    const edge = (direction: 1 | -1): number => {
      let step = 1;
      while (!outside(center + direction * step) && step < 700) step *= 2;
      if (step >= 700) return direction * Number.POSITIVE_INFINITY;
      let [inside, out] = [center, center + direction * step];
      for (let i = 0; i < 200; i++) {
        const middle = (inside + out) / 2;
        if (outside(middle)) out = middle;
        else inside = middle;
      }
      return (inside + out) / 2;
    };
    return { logRatio: estimate, lower: edge(-1), upper: edge(1) };
  },
);
