import * as s from '@slipway/stats';
import { armOf, bayesOf, effectFrom, type Input, testOf } from './shapes.ts';

export type Adapter = (input: Input) => unknown;

const digits = (i: Input): number[] => [...(i['stream'] as string)].map(Number);
const stream =
  (detector: (p: Input) => s.StreamDetector): Adapter =>
  (i) => ({ driftIndices: s.driftIndices(detector(i['params']), digits(i)) });
const distribution: Record<string, (...args: number[]) => number> = {
  't.cdf': s.tCdf as never,
  't.sf': s.tSurvival as never,
  't.ppf': s.tQuantile as never,
  'norm.sf': s.normalSurvival as never,
  'norm.ppf': s.normalQuantile as never,
  'norm.cdf': s.normalCdf as never,
  'chi2.sf': s.chiSquareSurvival as never,
  'chi2.cdf': s.chiSquareCdf as never,
  'chi2.ppf': s.chiSquareQuantile as never,
  'beta.cdf': s.betaCdf as never,
  'beta.sf': s.betaSurvival as never,
  'beta.ppf': s.betaQuantile as never,
  'gamma.cdf': s.gammaCdf as never,
  'gamma.sf': s.gammaSurvival as never,
  'gamma.ppf': s.gammaQuantile as never,
  'kolmogorov.sf': s.kolmogorovSurvival as never,
  'f.sf': s.fSurvival as never,
  'f.cdf': s.fCdf as never,
  'f.ppf': s.fQuantile as never,
  'norm.logsf': s.normalLogSurvival as never,
  'norm.logcdf': s.normalLogCdf as never,
  't.logsf': s.tLogSurvival as never,
  't.logcdf': s.tLogCdf as never,
  'chi2.logsf': s.chiSquareLogSurvival as never,
  'chi2.logcdf': s.chiSquareLogCdf as never,
  'gamma.logsf': s.gammaLogSurvival as never,
  'gamma.logcdf': s.gammaLogCdf as never,
  'beta.logsf': s.betaLogSurvival as never,
  'beta.logcdf': s.betaLogCdf as never,
  'f.logsf': s.fLogSurvival as never,
  'f.logcdf': s.fLogCdf as never,
};
const summary = (a: Input): s.Arm => ({ n: a['n'], mean: a['mean'], variance: a['sd'] ** 2 });
const power = (i: Input): s.PowerInput => ({
  mean: i['mean'],
  variance: i['sd'] ** 2,
  perArm: i['totalUsers'] / i['nVariations'],
  alpha: i['alpha'],
  tuning: i['tuning'],
});
const p = (values: number[], q: number) => values.filter((x) => x <= q).length;
const counts = (x: number[] | Record<string, number>) => (Array.isArray(x) ? x : Object.values(x));
const mcnemar = (i: Input) => s.mcnemar(i['onlyPrimaryCorrect'], i['onlyShadowCorrect']);
const lindon: Adapter = (i) => s.sequentialMultinomial(i['batches'], i['theta0'], i['concentration']);

function nile(i: Input) {
  const { reference: r, current: c } = i as { reference: number[]; current: number[] };
  const [n, m] = [r.length, c.length];
  const d = s.ksDistance(r, c);
  const union = s.sturgesEdges([...r, ...c]);
  const [refCounts, curCounts] = [s.histogram(r, union), s.histogram(c, union)];
  const deciles = s.decileEdges(r);
  const open = deciles.map((e, k) => (k === 0 ? Number.NEGATIVE_INFINITY : k === 10 ? Number.POSITIVE_INFINITY : e));
  const [decileRef, decileCur] = [s.histogram(r, open), s.histogram(c, open)];
  const doane = s.doaneEdges(r);
  const leftover = (x: number[]) => {
    const h = s.histogram(x, doane);
    return [...h, x.length - h.reduce((a, b) => a + b, 0)];
  };
  const fill = (x: number[]) => s.filled(s.shares(x));
  const [a, b] = [s.momentsOf(r), s.momentsOf(c)];
  const arm = (x: s.Moments): s.Arm => ({ n: x.n, mean: x.mean, variance: s.variance(x) });
  const cvm = s.cramerVonMises(r, c, 1e-7);
  const welch = s.welchTTest(arm(a), arm(b));
  return {
    ks: {
      d,
      pExact: s.ksExactP(n, m, d),
      'pAsymptoticKolmogorov_sqrt(nm/(n+m))D': s.kolmogorovSurvival(Math.sqrt((n * m) / (n + m)) * d),
    },
    wasserstein: s.wasserstein(r, c),
    wassersteinNormed_refPopulationSd: s.wasserstein(r, c) / Math.sqrt(s.populationVariance(a)),
    sturgesEdges_on_union: union,
    refCounts,
    curCounts,
    psi_sturges_evidentlyFill: s.psiOfShares(fill(refCounts), fill(curCounts)),
    jsDistance_base_e_sturges: s.jensenShannon(refCounts, curCounts),
    jsDistance_base2_sturges: s.jensenShannon(refCounts, curCounts, 2),
    kl_ref_cur_evidentlyFill: s.kullbackLeibler(s.shares(fill(refCounts)), s.shares(fill(curCounts))),
    hellinger_sturges: s.hellinger(refCounts, curCounts),
    decileEdges_ref_linear: deciles,
    decileRefCounts: decileRef,
    decileCurCounts: decileCur,
    psi_refDeciles_evidentlyFill: s.psiOfShares(fill(decileRef), fill(decileCur)),
    doaneEdges_ref: doane,
    'jsDistance_base2_doane_leftover(NannyML)': s.jensenShannon(leftover(r), leftover(c), 2),
    'hellinger_doane_leftover(NannyML)': s.hellinger(leftover(r), leftover(c)),
    energy: s.energyDistance(r, c),
    welch: { t: welch.t, p: welch.p },
    mannWhitney_asymptotic_cc: s.mannWhitney(r, c, 'asymptotic').p,
    cramerVonMises_asymptotic: { stat: cvm.statistic, p: cvm.p },
  };
}

/** One for each input shape and computation; a vector with another name says by `like` which one it shares. */
export const adapters: Record<string, Adapter> = {
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
  'scipy-ttest-from-stats': (i) => ({
    pooled: s.pooledTTest(summary(i['a']), summary(i['b'])),
    welch: s.welchTTest(summary(i['a']), summary(i['b'])),
  }),
  'scipy-ttest-binary': (i) => s.pooledTTest(summary(i['a']), summary(i['b'])),
  'scipy-chisquare': (i) => s.chiSquareTest(i['observed']),
  'scipy-chisquare-fexp': (i) => s.chiSquareTest(i['observed'], i['expected']),
  'scipy-chi2-contingency': (i) => s.contingencyTest(i['table']),
  'frouros-chi2': (i) => {
    const labels = [...new Set([...i['reference'], ...i['current']])];
    return s.contingencyTest(
      [i['reference'], i['current']].map((x: string[]) => labels.map((l) => x.filter((y) => y === l).length)),
    );
  },
  'scipy-wasserstein': (i) => ({
    distances: i['cases'].map((c: Input) => s.wasserstein(c['u'], c['v'], c['uw'], c['vw'])),
  }),
  'scipy-energy': (i) => ({
    distances: i['cases'].map((c: Input) => s.energyDistance(c['u'], c['v'], c['uw'], c['vw'])),
  }),
  'scipy-jensenshannon': (i) => ({
    distances: i['cases'].map((c: Input) => s.jensenShannon(c['p'], c['q'], c['base'] === 'e' ? Math.E : c['base'])),
  }),
  'ev-chisquare': (i) => {
    const [r, c] = [counts(i['refCounts']), counts(i['curCounts'])];
    const scale = c.reduce((a, b) => a + b, 0) / r.reduce((a, b) => a + b, 0);
    return {
      p: s.chiSquareTest(
        c,
        r.map((x) => x * scale),
      ).p,
    };
  },
  'ev-hellinger-cat': (i) => ({ distance: s.hellinger(i['refCounts'], i['curCounts']) }),
  'ev-psi-zero-fill': (i) => {
    const labels = [...new Set<unknown>([...i['reference'], ...i['current']])];
    const of = (x: unknown[]) => s.filled(s.shares(labels.map((l) => x.filter((y) => y === l).length)));
    const psi = s.psiOfShares(of(i['reference']), of(i['current']));
    return { psi, 'drift_at_0.1': psi >= 0.1 };
  },
  'psi-textbook': (i) => ({ psi: s.psiOfShares(i['expected'], i['actual']) }),
  'ev-small-numeric': (i) => {
    const { reference: r, current: c } = i as { reference: number[]; current: number[] };
    const [a, b] = [s.meanArm(s.momentsOf(r)), s.meanArm(s.momentsOf(c))];
    const d = s.ksDistance(r, c);
    return {
      pooledT: s.pooledTTest(a, b),
      welch: s.welchTTest(a, b),
      ksExact: { d, p: s.ksExactP(r.length, c.length, d) },
      mannWhitneyAuto: s.mannWhitney(r, c),
      andersonP: s.andersonDarling(r, c).p,
      energy: s.energyDistance(r, c),
      wasserstein: s.wasserstein(r, c),
      wassersteinNormedByRefPopulationSd: s.wasserstein(r, c) / Math.sqrt(s.populationVariance(s.momentsOf(r))),
    };
  },
  'ev-g-test': (i) => ({ p: s.gTest(i['refCounts'], i['curCounts']).p }),
  'ev-fisher': (i) => ({ p: i['tables'].map(s.fisherExact) }),
  'ev-default-selection': (i) => {
    const found = i['cases'].map(([type, rows, distinct]: ['num', number, number]) =>
      s.evidentlyDefault(type, rows, distinct),
    );
    return { methods: found.map((f: Input) => f['method']), thresholds: found.map((f: Input) => f['threshold']) };
  },
  'ev-dataset-drift': (i) => s.datasetDrift(i['drifted'], i['share']),
  'nile-drift': nile,
  'linf-new-category': (i) => ({ distances: i['cases'].map(([a, b]: [string[], string[]]) => s.lInfinity(a, b)) }),
  'nml-std-threshold': (i) => ({
    thresholds: i['cases'].map((c: Input) =>
      s.standardDeviationLimits(i['values'], c['lowMult'], c['upMult'], c['offset']),
    ),
  }),
  'nml-cbpe': (i) => s.confidenceBasedPerformance(i['calibrated'], i['predicted']),
  ...Object.fromEntries(
    ['river-adwin-ds1', 'river-adwin-multi'].map((name) => [
      name,
      stream(
        (o) =>
          new s.Adwin({
            delta: o['delta'],
            clock: o['clock'],
            maxBuckets: o['maxBuckets'],
            minWindowLength: o['minWindowLength'],
            gracePeriod: o['gracePeriod'],
          }),
      ),
    ]),
  ),
  ...Object.fromEntries(
    ['river-page-hinkley-doc', 'river-page-hinkley-up', 'river-page-hinkley-down', 'river-page-hinkley-both'].map(
      (name) => [
        name,
        stream(
          (o) =>
            new s.PageHinkley({
              minInstances: o['minInstances'],
              delta: o['delta'],
              threshold: o['threshold'],
              alpha: o['alpha'],
              mode: o['mode'],
            }),
        ),
      ],
    ),
  ),
  ...Object.fromEntries(
    ['river-ddm-ds2', 'river-ddm-all-errors'].map((name) => [
      name,
      stream((o) => new s.Ddm({ warmStart: o['warmStart'], warning: o['warning'], drift: o['drift'] })),
    ]),
  ),
  'river-ddm-doc': (i) => {
    const detector = new s.Ddm({
      warmStart: i['params'].warmStart,
      warning: i['params'].warning,
      drift: i['params'].drift,
    });
    const found = { firstWarningPerEpisode: [] as number[], driftIndices: [] as number[] };
    let warned = false;
    digits(i).forEach((x, k) => {
      const { drift, warning } = detector.update(x);
      if (warning && !warned) found.firstWarningPerEpisode.push(k);
      warned = (warned || warning) && !drift;
      if (drift) found.driftIndices.push(k);
    });
    return found;
  },
  ...Object.fromEntries(
    ['river-eddm-doc', 'river-eddm-ds2'].map((name) => [
      name,
      stream((o) => new s.Eddm({ warmStart: o['warmStart'], alpha: o['alpha'], beta: o['beta'] })),
    ]),
  ),
  ...Object.fromEntries(
    ['river-hddm-a-ds2', 'river-hddm-a-two-sided'].map((name) => [
      name,
      stream(
        (o) =>
          new s.HddmA({
            driftConfidence: o['driftConfidence'],
            warningConfidence: o['warningConfidence'],
            twoSided: o['twoSided'],
          }),
      ),
    ]),
  ),
  ...Object.fromEntries(
    ['river-hddm-w-ds2', 'river-hddm-w-doc', 'river-hddm-w-two-sided'].map((name) => [
      name,
      stream(
        (o) =>
          new s.HddmW({
            driftConfidence: o['driftConfidence'],
            warningConfidence: o['warningConfidence'],
            lambda: o['lambda'],
            twoSided: o['twoSided'],
            firstWeight: o['lambda'] ** 2 + (1 - o['lambda']) ** 2,
          }),
      ),
    ]),
  ),
  'river-evaluate': (i) => ({
    results: i['cases'].map((c: Input) => {
      const r = s.evaluateDetector(c['alarms'], c['drifts'], c['deltaMax'], 1000);
      return { ...r, falseAlarmsPer1000_n1000: r.falseAlarmsPer1000 };
    }),
  }),
  ...Object.fromEntries(
    ['nist-numacc3', 'nist-numacc4'].map((name) => [
      name,
      ({ generator }: Input) => {
        const [first = 0, low = 0, high = 0] = ((generator as string).match(/\d+\.\d+/g) ?? []).map(Number);
        const m = s.momentsOf([first, ...Array.from({ length: 500 }, () => [low, high]).flat()]);
        return { mean: m.mean, sd: Math.sqrt(s.variance(m)) };
      },
    ]),
  ),
  'nist-numacc1': (i) => {
    const m = s.momentsOf(i['values']);
    return { mean: m.mean, sd: Math.sqrt(s.variance(m)) };
  },
  'dist-kernel': (i) => ({
    values: i['calls'].map((c: Input) => (distribution[c['fn']] as (...a: number[]) => number)(...c['args'])),
  }),
  'eppo-seq-ci': (i) => s.howardSequence(i['lift'], i['se'], i['n'], i['confidence'], i['nTune']),
  'statsig-seq': (i) =>
    s.mixtureSprt(i['delta'], { variance: i['varT'], n: i['nT'] }, { variance: i['varC'], n: i['nC'] }, i['alpha']),
  'statsig-fieller': (i) =>
    s.fiellerInterval(
      { n: i['nC'], mean: i['meanC'], variance: i['varC'] },
      { n: i['nT'], mean: i['meanT'], variance: i['varT'] },
      i['alpha'],
    ),
  'tz-asymp-cs': (i) => s.armSequence(i['mean'], i['variance'], i['n'], i['alpha']),
  'tz-track-and-stop-probs': (i) => ({
    probabilities: i['cases'].map((c: Input) =>
      s.trackAndStopShares(
        c['pulls'].map((pulls: number, k: number) => ({ pulls, mean: c['means'][k], variance: c['variances'][k] })),
        { epsilon: c['epsilon'], minProbability: c['minProb'], optimize: c['optimize'] },
      ),
    ),
  }),
  'tz-stopping': (i) => {
    const found = i['cases'].map((c: Input) =>
      s.stoppingRule(
        c['pulls'].map((pulls: number, k: number) => ({ pulls, mean: c['means'][k], variance: c['variances'][k] })),
        { delta: i['delta'], epsilon: i['epsilon'], minPulls: i['minPulls'] },
      ),
    );
    return {
      minGlr: found.map((f: Input) => f['minGlr']),
      threshold: found.map((f: Input) => f['threshold']),
      winner: found.map((f: Input) => f['winner']),
    };
  },
  ...Object.fromEntries(
    ['beta-binomial-ctw', 'beta-binomial-ctw-2'].map((name) => [
      name,
      (i: Input) => s.betaBinomial(i['control'], i['treatment'], { alpha: i['priorAlpha'], beta: i['priorBeta'] }),
    ]),
  ),
  'sm-proportions-ztest': (i) =>
    s.pooledProportionTest(
      { successes: i['count'][0], n: i['nobs'][0] },
      { successes: i['count'][1], n: i['nobs'][1] },
    ),
  'non-inferiority-proportion': (i) => {
    const [c, t] = [
      s.proportionArm(i['control'].n, i['control'].successes),
      s.proportionArm(i['treatment'].n, i['treatment'].successes),
    ];
    const found = i['margins'].map((m: number) =>
      s.nonInferiority(c, t, m, { kind: i['marginType'], prefer: 'increase', alpha: 0.05 }),
    );
    return { z: found.map((f: Input) => f['z']), p: found.map((f: Input) => f['p']), lower95OneSided: found[0].bound };
  },
  'power-t-d0.5': (i) => ({ nPerArm: s.tTestUnitsPerArm(i['effectSize'], i['alpha'], i['power'], i['ratio']) }),
  'power-z-proportions': (i) => {
    const h = s.cohenH(i['p1'], i['p2']);
    return {
      cohenH: h,
      nPerArmArcsine: s.zTestUnitsPerArm(h, i['alpha'], i['power']),
      nPerArmUnpooled: s.unitsPerArm(
        i['p2'] - i['p1'],
        i['p1'] * (1 - i['p1']),
        i['p2'] * (1 - i['p2']),
        i['alpha'],
        i['power'],
      ),
    };
  },
  'gpower-continuous': (i) => {
    return {
      total: 2 * Math.ceil(s.tTestUnitsPerArm(i['mde'] / Math.sqrt(i['variance']), i['alpha'], i['power'])),
      formula: 2 * s.unitsPerArm(i['mde'], i['variance'], i['variance'], i['alpha'], i['power']),
    };
  },
  'sm-multipletests': (i) => ({
    bonferroni: s.bonferroni(i['p']),
    sidak: s.sidak(i['p']),
    holm: s.holm(i['p']),
    'holm-sidak': s.holmSidak(i['p']),
    'simes-hochberg': s.hochberg(i['p']),
    hommel: s.hommel(i['p']),
    fdr_bh: s.adjustedFdr(i['p']),
    fdr_by: s.adjustedFdrDependent(i['p']),
  }),
  'sm-wilson': (i) => ({
    wilson: s.wilsonInterval({ successes: i['count'], n: i['n'] }, i['alpha']),
    agrestiCoull: s.agrestiCoullInterval({ successes: i['count'], n: i['n'] }, i['alpha']),
  }),
  'sm-newcombe': (i) => ({
    ci: s.newcombeInterval(
      { successes: i['treatment'][0], n: i['treatment'][1] },
      { successes: i['control'][0], n: i['control'][1] },
      0.05,
    ),
  }),
  'spotify-group-sequential-bounds': (i) => ({
    z: i['informationFractions'].map((f: number[]) =>
      s.groupSequentialBounds(f, { kind: 'power', phi: i['phi'] }, i['alpha'], i['sides'] ?? 2),
    ),
  }),
  'spotify-group-sequential-runover': (i) => {
    const adjusted = s.overrunAlphas(
      i['cumulative'],
      i['planned'],
      { kind: 'power', phi: i['phi'] },
      i['alpha'],
      i['sides'] ?? 2,
    );
    return { adjustedAlpha: adjusted, executed: adjusted };
  },
  'lan-demets-obf': (i) => ({
    z: s.groupSequentialBounds(i['informationFractions'], { kind: 'obrien-fleming' }, i['alpha']),
  }),
  'lan-demets-pocock': (i) => ({
    z: s.groupSequentialBounds(i['informationFractions'], { kind: 'pocock' }, i['alpha']),
  }),
  'psi-null-critical': (i) => ({
    critical: i['sizes'].map(
      ([n, m]: [number, number]) => s.chiSquareQuantile(1 - i['alpha'], i['bins'] - 1) * (1 / n + 1 / m),
    ),
    expectedUnderNull: i['sizes'].map(([n, m]: [number, number]) => s.psiExpectation(i['bins'], n, m)),
  }),
  'ks-two-sample-critical': (i) => ({ critical: i['alpha'].map((a: number) => s.ksCritical(a, i['n'], i['m'])) }),
  'drift-fdr-25-features': (i) => ({
    uncorrected: i['p'].filter((x: number) => x < 0.05).length,
    bonferroni: p(s.bonferroni(i['p']), 0.05),
    bh05: s.benjaminiHochberg(i['p'], 0.05).filter(Boolean).length,
    bh24: s.benjaminiHochberg(i['p'], 0.24).filter(Boolean).length,
    adjusted: s.adjustedFdr(i['p']),
  }),
  'shadow-mcnemar': (i) => {
    const m = mcnemar(i);
    return { chi2: m.chi2, p: m.p, chi2ContinuityCorrected: m.chi2Corrected, pExactBinomial: m.pExact };
  },
  'shadow-kappa': (i) => s.cohenKappa(i['table']),
  'shadow-regression-agreement': (i) => s.pairedAgreement(i['primary'], i['shadow']),
  'shadow-diffy-filter': (i) => {
    const found = i['cases'].map((c: Input) =>
      s.noiseFilter(c['raw'], c['noise'], c['total'], { relativePct: i['relativePct'], absolutePct: i['absolutePct'] }),
    );
    return {
      relative: found.map((f: Input) => f['relative']),
      absolute: found.map((f: Input) => f['absolute']),
      flagged: found.map((f: Input) => f['flagged']),
    };
  },
  'bandit-best-arm-probabilities': (i) => ({
    probabilities: i['cases'].map((c: Input) => s.bestArmProbabilities(c['means'], c['sds'])),
  }),
  'bandit-additive-floor': (i) => ({ result: i['floors'].map((f: number) => s.withFloor(i['weights'], f)) }),
  'lindon-srm-50-50': lindon,
  'lindon-canary-errors-5pct': lindon,
  'lindon-three-arms': lindon,
  'lindon-intensity-ratio': (i) => s.intensityRatio(i['counts'], i['rho'], i['alpha'], i['concentration']),
};
export { effectFrom };
