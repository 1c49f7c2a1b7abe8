import { requireFinite, sound, StatsError } from '../errors.ts';
import { chiSquareSurvival } from '../kernel/gamma.ts';

/** Threshold of p for a wrong sample ratio. */
export const SRM_ALERT = 0.001;

/**
 * χ² of the units per arm against their weights. Arms of weight 0 or without a count are left out; p = 1 with fewer
 * than two arms or no units. Uses the survival function, since 1 − cdf underflows.
 */
export const sampleRatioTest = sound(
  'sampleRatioTest',
  (units: readonly number[], weights: readonly number[]): { chi2: number; p: number } => {
    if (units.length > weights.length)
      throw new StatsError('length_mismatch', `${units.length} arms, ${weights.length} weights`);
    requireFinite('units', ...units);
    requireFinite('weights', ...weights);
    const kept = units.map((u, i) => [u, weights[i] as number] as const).filter(([, w]) => w > 0);
    const n = kept.reduce((s, [u]) => s + u, 0);
    const total = kept.reduce((s, [, w]) => s + w, 0);
    if (kept.length < 2 || n === 0) return { chi2: 0, p: 1 };
    const chi2 = kept.reduce((s, [u, w]) => s + (u - (n * w) / total) ** 2 / ((n * w) / total), 0);
    return { chi2, p: chiSquareSurvival(chi2, kept.length - 1) };
  },
);

/**
 * Tiers by evidence and size of the deviation: at millions of units a tiny one is significant. @param deviation largest
 * |observed − expected| share
 */
export const sampleRatioTier = sound(
  'sampleRatioTier',
  (p: number, deviation: number): 'fine' | 'warning' | 'alert' => {
    if (p < SRM_ALERT && deviation >= 0.001) return 'alert';
    return p < 0.01 ? 'warning' : 'fine';
  },
);

/** Units seen in several arms invalidate a comparison from 1 % and ten of them on. */
export const multipleExposure = sound('multipleExposure', (units: number, inSeveral: number): boolean => {
  return inSeveral >= 10 && inSeveral >= 0.01 * units;
});

/**
 * Whether a covariate from before the exposure differs between the arms: its p-value against 0.001, Bonferroni over
 * `tests`.
 */
export const prePeriodImbalance = sound('prePeriodImbalance', (p: number, tests: number): boolean => {
  return p < 0.001 / Math.max(1, tests);
});
