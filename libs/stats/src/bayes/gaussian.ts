import { requireFinite, requireOpenUnit, sound, StatsError } from '../errors.ts';
import { normalCdf, normalQuantile } from '../kernel/normal.ts';

/** Normal prior on the effect; flat when absent. The default that GrowthBook ships for relative lifts is N(0, 0.3²). */
export type Prior = { mean: number; variance: number };
export type Posterior = {
  chanceToWin: number;
  expected: number;
  sd: number;
  ci: [number, number] /** Expected loss of choosing control, and of choosing the treatment. */;
  risk: [number, number];
};

/**
 * E[max(X, 0)] and E[max(−X, 0)] of N(μ, σ²): μΦ(μ/σ) + σφ(μ/σ). Beyond 37 standard deviations one of them is 0 to the
 * last bit.
 */
export const expectedLosses = sound('expectedLosses', (mean: number, sd: number): { gain: number; loss: number } => {
  requireFinite('the posterior', mean, sd);
  if (sd <= 0 || Math.abs(mean / sd) > 37) return { gain: Math.max(0, mean), loss: Math.max(0, -mean) };
  const z = mean / sd;
  const phi = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  const small = sd * phi - Math.abs(mean) * normalCdf(-Math.abs(z));
  return mean >= 0 ? { gain: mean + small, loss: small } : { gain: small, loss: small - mean };
});

/** Precision-weighted posterior of an effect δ̂ ± se. @param lowerIsBetter swaps the chance to win and the risks */
export const gaussianPosterior = sound(
  'gaussianPosterior',
  (
    estimate: number,
    se: number,
    options: { prior?: Prior | undefined; lowerIsBetter?: boolean; alpha: number },
  ): Posterior => {
    requireFinite('the effect', estimate, se);
    requireOpenUnit('alpha', options.alpha);
    if (!(se > 0))
      throw new StatsError('inconsistent_moments', 'the effect has a standard error of 0: the values do not vary');
    const data = 1 / (se * se);
    const prior = options.prior ? 1 / options.prior.variance : 0;
    const variance = 1 / (data + prior);
    const mean = variance * (data * estimate + prior * (options.prior?.mean ?? 0));
    const sd = Math.sqrt(variance);
    const z = normalQuantile(1 - options.alpha / 2);
    const better = normalCdf(mean / sd);
    const { gain, loss } = expectedLosses(mean, sd);
    const ci: [number, number] = [mean - z * sd, mean + z * sd];
    return options.lowerIsBetter
      ? { chanceToWin: 1 - better, expected: mean, sd, ci, risk: [loss, gain] }
      : { chanceToWin: better, expected: mean, sd, ci, risk: [gain, loss] };
  },
);
