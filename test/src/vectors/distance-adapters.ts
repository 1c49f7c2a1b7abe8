import * as s from '@slipway/stats';
import { type Adapter, summary, counts, nile } from './adapter-parts.ts';
import { type Input } from './shapes.ts';

/** Classical tests, distances and drift. */
export const distanceAdapters: Record<string, Adapter> = {
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
};
