import type { Alternative, Effect, TestResult } from '../effect/two-sample.ts';
import { requireOpenUnit, sound } from '../errors.ts';
import { normalCdf, normalQuantile } from '../kernel/distributions.ts';

/** N* at which the sequence is tightest, when no plan gives another value. */
export const DEFAULT_TUNING = 5000;

/**
 * ρ = √((−2 ln α + ln(−2 ln α + 1)) / N*); one-sided with 2α (Waudby-Smith et al. 2021, arXiv 2103.06476v7).
 */
export const sequenceRho = sound(
  'sequenceRho',
  (alpha: number, tuning: number = DEFAULT_TUNING, oneSided: boolean = false): number => {
    requireOpenUnit('alpha', alpha);
    const l = -2 * Math.log(oneSided ? 2 * alpha : alpha);
    return Math.sqrt((l + Math.log(l + 1)) / tuning);
  },
);

/** Half-width for `n` units whose estimator has the variance s² / n: equation 9, or 134 when one-sided. */
export const sequenceHalfWidth = sound(
  'sequenceHalfWidth',
  (variance: number, n: number, rho: number, alpha: number, oneSided: boolean = false): number => {
    const a = n * rho * rho + 1;
    const b = oneSided ? Math.log(1 + Math.sqrt(a) / (2 * alpha)) : Math.log(Math.sqrt(a) / alpha);
    return Math.sqrt(variance) * Math.sqrt(((2 * a) / (n * rho) ** 2) * b);
  },
);

/**
 * Asymptotic confidence sequence of an effect: valid at every look and at any stopping time, for samples that are large
 * enough for a central limit theorem. Its p-value is always valid as well, and is its dual: the interval excludes 0
 * exactly when p < α (two-sided: in closed form; one-sided: by bisection on α with ρ fixed).
 */
export const confidenceSequence = sound(
  'confidenceSequence',
  (
    effect: Effect,
    alpha: number,
    tuning: number = DEFAULT_TUNING,
    alternative: Alternative = 'two-sided',
  ): TestResult => {
    const { estimate: lift, se, n } = effect;
    const s2 = se * se * n;
    const rho = sequenceRho(alpha, tuning, alternative !== 'two-sided');
    if (se === 0) return { lift, se, ci: [lift, lift], pValue: lift === 0 ? 1 : 0 };
    if (alternative === 'two-sided') {
      const half = sequenceHalfWidth(s2, n, rho, alpha);
      const a = n * rho * rho + 1;
      const t2 = (lift * lift * n) / (se * se);
      return {
        lift,
        se,
        ci: [lift - half, lift + half],
        pValue: Math.min(1, Math.sqrt(a) * Math.exp((-rho * rho * t2) / (2 * a))),
      };
    }
    const half = sequenceHalfWidth(s2, n, rho, alpha, true);
    const toward = alternative === 'greater' ? lift : -lift;
    // The smallest α whose one-sided bound excludes 0.
    const excludes = (a: number) => toward - sequenceHalfWidth(s2, n, rho, a, true) > 0;
    let [low, high] = [1e-300, 0.999999];
    let pValue = 1;
    if (excludes(high)) {
      for (let i = 0; i < 200; i++) {
        const middle = high / low > 4 ? Math.sqrt(low * high) : (low + high) / 2;
        if (excludes(middle)) high = middle;
        else low = middle;
      }
      pValue = high;
    }
    return {
      lift,
      se,
      ci: alternative === 'greater' ? [lift - half, Number.POSITIVE_INFINITY] : [Number.NEGATIVE_INFINITY, lift + half],
      pValue,
    };
  },
);

/**
 * The one-sided p as GrowthBook prints it: bisection of α on [1e-5, 0.4999] that ends once the bound is within 1e-6 of
 * 0 and returns the middle of the remaining interval (off by up to 1e-4 from the exact dual). For comparison with its
 * reports.
 */
export const bisectedSequenceP = sound(
  'bisectedSequenceP',
  (effect: Effect, alpha: number, tuning: number, alternative: 'greater' | 'less'): number => {
    const rho = sequenceRho(alpha, tuning, true);
    const toward = alternative === 'greater' ? effect.estimate : -effect.estimate;
    let [low, high] = [1e-5, 0.4999];
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2;
      const bound = toward - sequenceHalfWidth(effect.se ** 2 * effect.n, effect.n, rho, middle, true);
      if (bound > 0) high = middle;
      else low = middle;
      if (Math.abs(bound) < 1e-6) break;
    }
    return (low + high) / 2;
  },
);

/** The normal-mixture sequence of Howard et al. 2021 (equation 14) as Eppo tunes it. */
export const howardSequence = sound(
  'howardSequence',
  (
    lift: number,
    se: number,
    n: number,
    confidence: number,
    tuning: number = 10_000,
  ): { rho: number; halfwidth: number; ci: [number, number] } => {
    const alpha = 1 - confidence;
    const rho = tuning / (Math.log(Math.log(Math.E / (alpha * alpha))) - 2 * Math.log(alpha));
    const halfwidth = (se * Math.sqrt((n + rho) * Math.log((n + rho) / (rho * alpha * alpha)))) / Math.sqrt(n);
    return { rho, halfwidth, ci: [lift - halfwidth, lift + halfwidth] };
  },
);

/**
 * The mixture sequential probability ratio test as Statsig documents it: over-conservative (0.55 % at a nominal 5 %);
 * for comparison.
 */
export const mixtureSprt = sound(
  'mixtureSprt',
  (
    delta: number,
    treatment: { variance: number; n: number },
    control: { variance: number; n: number },
    alpha: number,
  ) => {
    const v = treatment.variance / treatment.n + control.variance / control.n;
    const z = normalQuantile(1 - alpha / 2);
    const tau = (z * z * (treatment.variance + control.variance)) / (treatment.n + control.n);
    const zStar = Math.sqrt(((v + tau) / tau) * (-2 * Math.log(alpha / 2) - Math.log(v / (v + tau))));
    const half = zStar * Math.sqrt(v);
    return {
      V: v,
      tau,
      zStar,
      ci: [delta - half, delta + half] as [number, number],
      // By the lower tail: 1 minus a number close to 1 would lose all digits.
      pValue: 2 * normalCdf((-Math.abs(delta / Math.sqrt(v)) * z) / zStar),
    };
  },
);

/**
 * The sequence of one arm's mean with the variance inside the boundary. `logPlusOne` takes ρ as TensorZero does,
 * ln(−2 ln α) + 1, for comparison only.
 */
export const armSequence = sound(
  'armSequence',
  (mean: number, variance: number, n: number, alpha: number): { rho: number; ci: [number, number] } => {
    const l = -2 * Math.log(alpha);
    const rho = Math.sqrt((l + Math.log(l) + 1) / n);
    const a = n * variance * rho * rho + 1;
    const half = Math.sqrt(((2 * a) / (n * rho) ** 2) * Math.log(Math.sqrt(a) / alpha));
    return { rho, ci: [mean - half, mean + half] };
  },
);
