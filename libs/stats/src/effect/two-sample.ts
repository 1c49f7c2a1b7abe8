import { requireOpenUnit, sound, StatsError } from '../errors.ts';
import { normalQuantile, tCdf, tQuantile, tSurvival } from '../kernel/distributions.ts';
import { type Arm, requireArm } from './arm.ts';

export type Difference = 'absolute' | 'relative';
export type Alternative = 'two-sided' | 'greater' | 'less';
export type Effect = { estimate: number; se: number; df: number; n: number };
export type TestResult = { lift: number; se: number; ci: [number, number]; pValue: number };

/**
 * Treatment against control: Δ = μ_T − μ_C, or δ = Δ / |μ_C| by the delta method (the sign follows the absolute
 * effect). Degrees of freedom by Welch. @throws StatsError out_of_range for a relative effect on a mean of 0
 */
export const effectOf = sound('effectOf', (control: Arm, treatment: Arm, difference: Difference): Effect => {
  requireArm(control);
  requireArm(treatment);
  const vc = control.variance / control.n;
  const vt = treatment.variance / treatment.n;
  const df = welchDf(control, treatment);
  const n = control.n + treatment.n;
  if (difference === 'absolute') return { estimate: treatment.mean - control.mean, se: Math.sqrt(vc + vt), df, n };
  const base = control.baseline ?? control.mean;
  if (base === 0) throw new StatsError('out_of_range', "a relative effect is undefined when the control's mean is 0");
  return {
    estimate: (treatment.mean - control.mean) / Math.abs(base),
    se: Math.sqrt(relativeVariance(control, treatment)),
    df,
    n,
  };
});

/** var δ = s_T² / (n_T μ_C²) + s_C² μ_T² / (n_C μ_C⁴). */
export const relativeVariance = sound('relativeVariance', (control: Arm, treatment: Arm): number => {
  requireArm(control);
  requireArm(treatment);
  const base = control.baseline ?? control.mean;
  return (
    treatment.variance / (treatment.n * base * base) +
    (control.variance * treatment.mean * treatment.mean) / (control.n * base ** 4)
  );
});

/** Welch–Satterthwaite; infinite when the values do not vary. */
export const welchDf = sound('welchDf', (control: Arm, treatment: Arm): number => {
  requireArm(control);
  requireArm(treatment);
  const vc = control.variance / control.n;
  const vt = treatment.variance / treatment.n;
  const denominator = vc ** 2 / (control.n - 1) + vt ** 2 / (treatment.n - 1);
  return denominator > 0 ? (vc + vt) ** 2 / denominator : Number.POSITIVE_INFINITY;
});

/**
 * Welch's t at a fixed horizon. Not valid under repeated looks: use a confidence sequence there. The interval excludes
 * 0 exactly when p < α.
 * @param alternative `greater`: H₁ says that the treatment's mean is greater; the interval is then [lower, ∞)
 */
export const welchTest = sound(
  'welchTest',
  (effect: Effect, alpha: number, alternative: Alternative = 'two-sided'): TestResult => {
    requireOpenUnit('alpha', alpha);
    const { estimate: lift, se, df } = effect;
    if (se === 0) return { lift, se, ci: [lift, lift], pValue: lift === 0 ? 1 : 0 };
    const t = lift / se;
    if (alternative === 'greater')
      return {
        lift,
        se,
        ci: [lift - tQuantile(1 - alpha, df) * se, Number.POSITIVE_INFINITY],
        pValue: tSurvival(t, df),
      };
    if (alternative === 'less')
      return { lift, se, ci: [Number.NEGATIVE_INFINITY, lift + tQuantile(1 - alpha, df) * se], pValue: tCdf(t, df) };
    const half = tQuantile(1 - alpha / 2, df) * se;
    return { lift, se, ci: [lift - half, lift + half], pValue: 2 * tSurvival(Math.abs(t), df) };
  },
);

/** Constant arms: equal ones have the difference 0, others differ by infinitely many standard errors. */
const standardised = (difference: number, se: number): number => (difference === 0 ? 0 : difference / se);

/** Student's t with a pooled variance, from arms. */
export const pooledTTest = sound('pooledTTest', (a: Arm, b: Arm): { t: number; df: number; p: number } => {
  requireArm(a, 2);
  requireArm(b, 2);
  const df = a.n + b.n - 2;
  const pooled = ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / df;
  const t = standardised(a.mean - b.mean, Math.sqrt(pooled * (1 / a.n + 1 / b.n)));
  return { t, df, p: 2 * tSurvival(Math.abs(t), df) };
});
/** Welch's t-test, from arms. */
export const welchTTest = sound('welchTTest', (a: Arm, b: Arm): { t: number; df: number; p: number } => {
  requireArm(a, 2);
  requireArm(b, 2);
  const df = welchDf(a, b);
  const t = standardised(a.mean - b.mean, Math.sqrt(a.variance / a.n + b.variance / b.n));
  return { t, df, p: 2 * tSurvival(Math.abs(t), df) };
});

/**
 * Fieller's interval of the relative lift, unbounded (−∞, ∞) when the control's mean is not distinguishable from 0.
 * Variances over n − 1 as Statsig documents it.
 */
export const fiellerInterval = sound(
  'fiellerInterval',
  (control: Arm, treatment: Arm, alpha: number): { g: number; ci: [number, number] } => {
    requireArm(control, 2);
    requireArm(treatment, 2);
    requireOpenUnit('alpha', alpha);
    const z = normalQuantile(1 - alpha / 2);
    const vc = control.variance / (control.n - 1);
    const vt = treatment.variance / (treatment.n - 1);
    const g = (z * z * vc) / control.mean ** 2;
    if (g >= 1) return { g, ci: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] };
    const r = treatment.mean / control.mean;
    const half = (z / Math.abs(control.mean)) * Math.sqrt(vt * (1 - g) + r * r * vc);
    return { g, ci: [(r - half) / (1 - g) - 1, (r + half) / (1 - g) - 1] };
  },
);
