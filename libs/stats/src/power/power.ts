import { type Arm } from '../effect/arm.ts';
import { relativeVariance } from '../effect/two-sample.ts';
import { requireOpenUnit, sound, StatsError } from '../errors.ts';
import { betaTails } from '../kernel/beta.ts';
import { normalCdf, normalQuantile, tQuantile } from '../kernel/distributions.ts';
import { lnGamma } from '../kernel/gamma.ts';
import { invertIncreasing } from '../kernel/invert.ts';
import { sequenceHalfWidth, sequenceRho } from '../sequential/confidence-sequence.ts';

/**
 * Width of the interval that the effect must leave: z(1 − α/2) standard errors or, with repeated looks, the
 * confidence sequence's half-width over se.
 */
function criticalZ(n: number, alpha: number, tuning: number | undefined): number {
  return tuning === undefined
    ? normalQuantile(1 - alpha / 2)
    : sequenceHalfWidth(1, n, sequenceRho(alpha, tuning), alpha) * Math.sqrt(n);
}

export type PowerInput = {
  mean: number;
  variance: number;
  perArm: number;
  alpha: number /** N* of the confidence sequence; a fixed horizon without. */;
  tuning?: number | undefined;
};

/**
 * Factor by which repeated looks widen the interval. GrowthBook's planner multiplies the standard error by it, which is
 * conservative.
 */
function inflation({ perArm, alpha, tuning }: PowerInput): number {
  return tuning === undefined ? 1 : criticalZ(2 * perArm, alpha, tuning) / normalQuantile(1 - alpha / 2);
}

/** Power to detect a relative effect, two-tailed, by the delta method's standard error under it. */
export const powerOf = sound('powerOf', (input: PowerInput, relativeEffect: number): number => {
  const { mean, variance, perArm, alpha } = input;
  requireOpenUnit('alpha', alpha);
  const se = inflation(input) * Math.sqrt((variance * ((1 + relativeEffect) ** 2 + 1)) / (mean * mean * perArm));
  const z = normalQuantile(1 - alpha / 2);
  return 1 - normalCdf(z - relativeEffect / se) + normalCdf(-z - relativeEffect / se);
});

/**
 * Smallest relative effect that is detected with the power: the root of δ² = (z_crit + z_power)² var(δ), quadratic
 * in δ. Infinite when there is none.
 */
export const minimumDetectableEffect = sound('minimumDetectableEffect', (input: PowerInput, power: number): number => {
  const { mean, variance, perArm, alpha } = input;
  const k =
    (inflation(input) * (normalQuantile(1 - alpha / 2) + normalQuantile(power))) ** 2 *
    (variance / (mean * mean * perArm));
  // δ² = k ((1 + δ)² + 1)
  const a = 1 - k;
  if (a <= 0) return Number.POSITIVE_INFINITY;
  return (k + Math.sqrt(k * k + 2 * k * a)) / a;
});

/** Units per arm for an absolute effect δ: (z_{1−α/2} + z_power)² (v_C + v_T) / δ². */
export const unitsPerArm = sound(
  'unitsPerArm',
  (delta: number, varianceControl: number, varianceTreatment: number, alpha: number, power: number): number => {
    return (
      ((normalQuantile(1 - alpha / 2) + normalQuantile(power)) ** 2 * (varianceControl + varianceTreatment)) /
      (delta * delta)
    );
  },
);

/**
 * Range of effect sizes that a design can be found for: 10⁻⁴ (hundreds of millions of units) to 100 standard
 * deviations.
 */
function requireDetectable(effectSize: number, alpha: number, power: number): void {
  requireOpenUnit('alpha', alpha);
  requireOpenUnit('power', power);
  if (!(Math.abs(effectSize) >= 1e-4 && Math.abs(effectSize) <= 100))
    throw new StatsError('out_of_range', `a standardised effect must lie in 0.0001 … 100, not ${effectSize}`);
  if (power <= alpha)
    throw new StatsError('out_of_range', `a power of ${power} is not above α = ${alpha}, so no units are needed`);
}

/** The number of units, at least `from`, at which a test has `power`. @param of a test's power by its units */
function unitsFor(of: (n: number) => number, power: number, from: number): number {
  let high = from + 2;
  while (of(high) < power) high *= 2;
  return invertIncreasing(of, power, from, high);
}

/** Units per arm of a two-sample z-test for a standardised effect, both tails counted; not rounded. */
export const zTestUnitsPerArm = sound(
  'zTestUnitsPerArm',
  (effectSize: number, alpha: number, power: number): number => {
    requireDetectable(effectSize, alpha, power);
    const z = normalQuantile(1 - alpha / 2);
    const of = (n: number) =>
      normalCdf(effectSize * Math.sqrt(n / 2) - z) + normalCdf(-effectSize * Math.sqrt(n / 2) - z);
    return unitsFor(of, power, 0);
  },
);

/** Cohen's h of two shares. */
export const cohenH = sound('cohenH', (p1: number, p2: number): number =>
  Math.abs(2 * Math.asin(Math.sqrt(p1)) - 2 * Math.asin(Math.sqrt(p2))),
);

/**
 * Units in the first arm of the two-sample t-test for a standardised effect, by the noncentral t; not rounded. @param
 * ratio units of the second arm over the first's
 */
export const tTestUnitsPerArm = sound(
  'tTestUnitsPerArm',
  (effectSize: number, alpha: number, power: number, ratio: number = 1): number => {
    requireDetectable(effectSize, alpha, power);
    if (!(ratio > 0 && ratio < Number.POSITIVE_INFINITY))
      throw new StatsError('out_of_range', `the ratio of the arms must be positive, not ${ratio}`);
    const of = (n: number) => {
      const df = (1 + ratio) * n - 2;
      const ncp = effectSize * Math.sqrt((n * ratio) / (1 + ratio));
      const t = tQuantile(1 - alpha / 2, df);
      return 1 - noncentralTCdf(t, df, ncp) + noncentralTCdf(-t, df, ncp);
    };
    return unitsFor(of, power, 2);
  },
);

/** P(T ≤ t) of the noncentral t: Lenth 1989 (AS 243). */
export const noncentralTCdf = sound('noncentralTCdf', (t: number, df: number, delta: number): number => {
  if (t < 0) return 1 - noncentralTCdf(-t, df, -delta);
  const x = (t * t) / (t * t + df);
  let sum = normalCdf(-delta);
  const half = (delta * delta) / 2;
  if (x > 0) {
    for (let j = 0; j < 2000; j++) {
      const p = 0.5 * Math.exp(-half + j * Math.log(half || 1e-300) - lnGamma(j + 1));
      const q = (delta / (2 * Math.SQRT2)) * Math.exp(-half + j * Math.log(half || 1e-300) - lnGamma(j + 1.5));
      const term = p * betaTails(x, j + 0.5, df / 2).lower + q * betaTails(x, j + 1, df / 2).lower;
      sum += term;
      if (j > half && Math.abs(term) < 1e-17) break;
    }
  }
  return Math.min(1, sum);
});

export type MidExperimentInput = {
  control: Arm;
  treatment: Arm;
  alpha: number;
  power: number;
  mde: number;
  tuning?: number;
  prior?: { mean: number; variance: number };
};

/**
 * Factor by which the present sample must grow until a relative effect of `mde` is detected with the power, at the
 * variances seen so far: bisection on the factor. With a prior, the posterior's interval must exclude 0.
 */
export const remainingFactor = sound(
  'remainingFactor',
  ({ control, treatment, alpha, power, mde, tuning, prior }: MidExperimentInput): number => {
    const n = control.n + treatment.n;
    const v = relativeVariance(control, treatment);
    if (!(v > 0))
      throw new StatsError('inconsistent_moments', 'the values do not vary, so no effect has a standard error');
    const of = (factor: number): number => {
      const scale = 1 + factor;
      const se2 = v / scale;
      if (prior) {
        const post = 1 / (1 / se2 + 1 / prior.variance);
        // δ̂ ~ N(mde, se²): the posterior's mean over its sd must leave ± z
        const z = normalQuantile(1 - alpha / 2);
        const sd = Math.sqrt(post);
        const meanOfMean = post * (mde / se2 + prior.mean / prior.variance);
        const sdOfMean = post / Math.sqrt(se2);
        return normalCdf((meanOfMean - z * sd) / sdOfMean) + normalCdf((-z * sd - meanOfMean) / sdOfMean);
      }
      const z = criticalZ(n * scale, alpha, tuning);
      const shift = mde / Math.sqrt(se2);
      return normalCdf(shift - z) + normalCdf(-shift - z);
    };
    let [low, high] = [0, 1];
    if (of(0) >= power) return 0;
    while (of(high) < power) {
      high *= 2;
      if (high > 1e9) return Number.POSITIVE_INFINITY;
    }
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2;
      if (of(middle) < power) low = middle;
      else high = middle;
    }
    return high;
  },
);
