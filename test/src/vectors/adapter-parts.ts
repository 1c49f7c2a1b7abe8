import * as s from '@slipway/stats';
import { type Input } from './shapes.ts';

export type Adapter = (input: Input) => unknown;

export const digits = (i: Input): number[] => [...(i['stream'] as string)].map(Number);
export const stream =
  (detector: (p: Input) => s.StreamDetector): Adapter =>
  (i) => ({ driftIndices: s.driftIndices(detector(i['params']), digits(i)) });
export const distribution: Record<string, (...args: number[]) => number> = {
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
export const summary = (a: Input): s.Arm => ({ n: a['n'], mean: a['mean'], variance: a['sd'] ** 2 });
export const power = (i: Input): s.PowerInput => ({
  mean: i['mean'],
  variance: i['sd'] ** 2,
  perArm: i['totalUsers'] / i['nVariations'],
  alpha: i['alpha'],
  tuning: i['tuning'],
});
export const p = (values: number[], q: number) => values.filter((x) => x <= q).length;
export const counts = (x: number[] | Record<string, number>) => (Array.isArray(x) ? x : Object.values(x));
export const mcnemar = (i: Input) => s.mcnemar(i['onlyPrimaryCorrect'], i['onlyShadowCorrect']);
export const lindon: Adapter = (i) => s.sequentialMultinomial(i['batches'], i['theta0'], i['concentration']);

export function nile(i: Input) {
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
