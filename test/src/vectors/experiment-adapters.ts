import * as s from '@slipway/stats';
import { type Adapter, power, p } from './adapter-parts.ts';
import { armOf, bayesOf, type Input, testOf } from './shapes.ts';

/** Effects, sequences, posteriors, multiplicity, power: what gbstats and its like answer. */
export const experimentAdapters: Record<string, Adapter> = {
  ...Object.fromEntries(
    [
      'gb-welch-relative',
      'gb-welch-absolute',
      'gb-proportion-relative',
      'gb-onesided-greater',
      'gb-onesided-lesser-abs',
      'gb-seq-relative-n1000',
      'gb-seq-proportion-n5000',
      'gb-seq-pvalue-nontrivial',
      'gb-seq-onesided-greater-abs',
      'gb-cuped-mean',
      'gb-cuped-proportion',
      'gb-seq-cuped',
      'gb-ratio-valid',
      'gb-cuped-ratio',
      'gb-negative-baseline',
      'gb-quantile-p90-freq',
    ].map((name) => [name, testOf]),
  ),
  ...Object.fromEntries(
    [
      'gb-bayes-proportion-flat',
      'gb-bayes-mean-flat',
      'gb-bayes-mean-proper',
      'gb-bayes-default-proper-0.3',
      'gb-bayes-count',
      'gb-bayes-count-inverse',
      'gb-quantile-p90-bayes',
    ].map((name) => [name, bayesOf]),
  ),
  'gb-seq-rho': ({ alpha, tuning }) => {
    const rho = s.sequenceRho(alpha, tuning);
    return {
      rho,
      rhoOneSided: s.sequenceRho(alpha, tuning, true),
      'halfwidth_s2=1_n=5000': s.sequenceHalfWidth(1, 5000, rho, alpha),
      'halfwidth_s2=1_n=500': s.sequenceHalfWidth(1, 500, rho, alpha),
    };
  },
  'gb-cuped-theta': ({ pre, post }) => {
    const sum = (x: number[]) => ({ sum: x.reduce((a, b) => a + b, 0), sumSquares: x.reduce((a, b) => a + b * b, 0) });
    const arm: s.CupedSums = {
      n: pre.length,
      kind: 'mean',
      post: sum(post),
      pre: sum(pre),
      sumProducts: pre.reduce((a: number, x: number, i: number) => a + x * post[i], 0),
    };
    return { theta: s.cupedTheta(arm, arm) };
  },
  'gb-risk-extreme': ({ cases }) => ({
    risk: cases.map(([mean, sd]: [number, number]) => {
      const { gain, loss } = s.expectedLosses(mean, sd);
      return [gain, loss];
    }),
  }),
  'gb-quantile-variance': ({ iid, clustered }) => ({
    iid: armOf(iid).variance,
    clustered: armOf(clustered).variance,
    nStarGrid: s.N_STAR_GRID,
  }),
  'gb-srm-table': ({ cases }) => ({
    pValues: cases.map((c: Input) => s.sampleRatioTest(c['users'], c['weights']).p),
    alertBelow: s.SRM_ALERT,
  }),
  'srm-large-n': (i) => {
    const { p: pValue } = s.sampleRatioTest(i['users'], i['weights']);
    return { pValue, alert: pValue < s.SRM_ALERT };
  },
  'srm-tail-sf': (i) => {
    const { chi2, p: pValue } = s.sampleRatioTest(i['users'], i['weights']);
    return { chi2, pValue };
  },
  'gb-holm': (i) => ({ adjusted: s.holm(i['p']) }),
  'gb-bh': (i) => ({ adjusted: s.adjustedFdr(i['p']) }),
  'bh-1995-paper': (i) => ({
    rejectedBH: p(s.adjustedFdr(i['p']), i['q']),
    rejectedBonferroni: p(s.bonferroni(i['p']), i['q']),
    rejectedHolm: p(s.holm(i['p']), i['q']),
    adjustedBH: s.adjustedFdr(i['p']),
    adjustedBY: s.adjustedFdrDependent(i['p']),
  }),
  'gb-adjusted-ci': (i) => ({ ci: s.adjustedInterval(i['lift'], i['adjustedP'], i['alpha']) }),
  'gb-power-mean': (i) => ({ power: s.powerOf(power(i), i['relativeEffect']) }),
  'gb-power-sequential': (i) => ({ power: s.powerOf(power(i), i['relativeEffect']) }),
  'gb-mde-mean': (i) => ({ mde: s.minimumDetectableEffect(power(i), i['power']) }),
  'gb-mde-sequential': (i) => ({ mde: s.minimumDetectableEffect(power(i), i['power']) }),
  'gb-power-weeks': (i) => {
    const of = (m: Input, week: number): s.PowerInput => ({
      mean: m['rate'] ?? m['mean'],
      variance: m['type'] === 'binomial' ? m['rate'] * (1 - m['rate']) : m['variance'],
      perArm: (i['usersPerWeek'] * week) / i['nVariations'],
      alpha: i['alpha'],
    });
    const weeks = Array.from({ length: i['weeks'] }, (_, w) => w + 1);
    return {
      power: i['metrics'].map((m: Input) => weeks.map((w) => s.powerOf(of(m, w), m['effect']))),
      mde: i['metrics'].map((m: Input) => weeks.map((w) => s.minimumDetectableEffect(of(m, w), 0.8))),
    };
  },
  'gb-delta-variance': (i) => {
    const [a, b]: [s.Arm, s.Arm] = [
      { n: i['nA'], mean: i['meanA'], variance: i['varA'] },
      { n: i['nB'], mean: i['meanB'], variance: i['varB'] },
    ];
    return { absolute: s.effectOf(a, b, 'absolute').se ** 2, relative: s.effectOf(a, b, 'relative').se ** 2 };
  },
  'gb-midexperiment-power': (i) => {
    const common = {
      control: armOf(i['control']),
      treatment: armOf(i['treatment']),
      alpha: i['alpha'],
      power: i['power'],
      mde: i['mde'],
    };
    return {
      fixed: s.remainingFactor(common),
      sequential: s.remainingFactor({ ...common, tuning: 5000 }),
      bayesian: s.remainingFactor({ ...common, prior: i['prior'] ?? { mean: 0.05, variance: 0.001 } }),
    };
  },
  'gb-post-stratification': (i) => {
    const strata = i['strata'].map((x: Input) => ({ control: armOf(x['control']), treatment: armOf(x['treatment']) }));
    const pooled = (side: string) =>
      i['strata'].reduce(
        (m: s.Moments, x: Input) => s.mergeMoments(m, s.fromSums(x[side].n, x[side].sum, x[side].sum_squares)),
        s.EMPTY,
      );
    const [c, t] = [s.meanArm(pooled('control')), s.meanArm(pooled('treatment'))];
    const of = (d: s.Difference) => {
      const plain = s.effectOf(c, t, d);
      return {
        ...s.postStratified(strata, d),
        unstratifiedEstimate: plain.estimate,
        unstratifiedSe: plain.se,
        applied: true,
      };
    };
    return { absolute: of('absolute'), relative: of('relative') };
  },
};
