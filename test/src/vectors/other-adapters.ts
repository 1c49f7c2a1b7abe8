import * as s from '@slipway/stats';
import { type Adapter, distribution, p, mcnemar, lindon } from './adapter-parts.ts';
import { type Input } from './shapes.ts';

/** The kernel, other sequential rules, intervals, agreement, bandits. */
export const otherAdapters: Record<string, Adapter> = {
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
