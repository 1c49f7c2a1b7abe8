// Over 300 lines: it is one list, a line or a few for each public function.
import { isRateBelow, rateBounds } from './agreement/rate-bounds.ts';
import { equalEdges, quantileOf } from './distance/divergence.ts';
import { divergenceP, permutationP } from './distance/significance.ts';
import { countEvidence } from './e-process/counts.ts';
import { latencyEvidence, shiftRatios } from './e-process/latency.ts';
import { MixtureWealth } from './e-process/mixture.ts';
import { chanceOfCandidate } from './e-process/returning-units.ts';
import { relativeVariance, welchDf } from './effect/two-sample.ts';
import { gammaP, gammaQ, lnBeta, lnGamma } from './kernel/gamma.ts';
import { covarianceOfSums } from './moments/moments.ts';
import { noncentralTCdf } from './power/power.ts';
import { spentAlpha } from './sequential/group-sequential.ts';
import { logBayesFactor } from './sequential/multinomial.ts';
import * as stats from './index.ts';

const arm = (mean: number) => ({ n: 50, mean, variance: 2 });
const [a, b] = [arm(5), arm(5.5)];
const xs = [1, 2, 3.5, 4, 7, 9];
const ys = [2, 2.5, 3, 5, 8, 11];
const histogram = [10, 20, 30, 40];
const current = [12, 18, 25, 45];
const p = [0.01, 0.04, 0.2, 0.6];
const share = { successes: 20, n: 100 };
const effect = { estimate: 0.4, se: 0.2, df: 90, n: 100 };
const sums = (k: number) => ({ sum: 100 * k, sumSquares: 150 * k * k });
const ratio = {
  n: 100,
  numerator: { sum: 300, sumSquares: 1000 },
  denominator: { sum: 500, sumSquares: 2700 },
  sumProducts: 1550,
};
const cuped = { n: 100, kind: 'mean' as const, post: sums(1), pre: sums(2), sumProducts: 230 };
const cupedProportion = {
  n: 100,
  kind: 'proportion' as const,
  post: { sum: 40, sumSquares: 40 },
  pre: { sum: 30, sumSquares: 30 },
  sumProducts: 20,
};
const cupedRatio = {
  n: 100,
  post: { numerator: ratio.numerator, denominator: ratio.denominator, sumProducts: 1550 },
  pre: { numerator: ratio.numerator, denominator: ratio.denominator, sumProducts: 1550 },
  cross: { mPostMPre: 950, dPostDPre: 2600, mPostDPre: 1520, mPreDPost: 1520 },
};
const cell = { second: 3, weight: 0.25, control: 3, candidate: 2 };
const latencyCell = { second: 3, weight: 0.25, control: [5, 3, 1, 1], candidate: [2, 1, 0, 0] };
const masses = [0.5, 0.4, 0.09, 0.01];
const pulls = [
  { pulls: 100, mean: 0.3, variance: 0.2 },
  { pulls: 100, mean: 0.5, variance: 0.2 },
  { pulls: 100, mean: 0.4, variance: 0.2 },
];
const quantile = { n: 1000, nStar: 800, nu: 0.9, estimate: 7, lower: 6.5, upper: 7.5 };
const clusters = {
  clusters: 100,
  main: { sum: 900, sumSquares: 8500 },
  denominator: { sum: 1000, sumSquares: 10_400 },
  sumProducts: 9400,
};
const plan = { mean: 10, variance: 400, perArm: 5000, alpha: 0.05 };
const rated = { units: 1000, events: 30 };
const window = { features: [{ feature: 'x', reference: [300, 300, 300], current: [90, 100, 110] }] };
const shadow = {
  alpha: 0.05,
  step: 0,
  maxExcess: 0.05,
  noiseShare: 0.1,
  minPairs: 200,
  activeSeconds: 60,
  dwellSeconds: 10,
  counts: {
    sampled: 1000,
    paired: 1000,
    failed: 0,
    expired: 0,
    shed: 0,
    comparedRequests: 1000,
    disagreedRequests: 10,
    compared: 1000,
    disagreed: 10,
    noise: 100,
    noiseDisagreed: 0,
    computeSeconds: 1,
    price: 0,
  },
};
const look = {
  alpha: 0.05,
  startSecond: 0,
  nowSecond: 30,
  plannedSeconds: 60,
  exposures: [cell],
  crossedUnits: 0,
  step: {
    index: 0,
    weight: 0.25,
    activeSeconds: 30,
    dwellSeconds: 20,
    until: { requests: 200 },
    totals: { control: { requests: 900, units: 900 }, candidate: { requests: 300, units: 300 } },
  },
  guardrails: [
    {
      kind: 'proportion' as const,
      metric: 'errors',
      source: 'error' as const,
      direction: 'lower' as const,
      margin: 1.25,
      proof: true,
      harm: { ratio: 2, absolute: 0.005 },
      cells: [cell],
      step: { control: rated, candidate: rated },
    },
    {
      kind: 'quantile' as const,
      metric: 'latency',
      margin: 1,
      masses,
      harm: 0.2,
      cells: [latencyCell],
      sla: [{ quantile: 'p99', limitUs: 100, actualUs: 50 }],
    },
  ],
};

const detector = (make: () => stats.StreamDetector) => (values: number[]) => stats.driftIndices(make(), values);

/** Ordinary calls of every public function: the function, then the arguments of each call. */
// biome-ignore lint/suspicious/noExplicitAny: calls of every shape
export const CALLS: Record<string, [(...args: any[]) => unknown, ...unknown[][]]> = {
  Adwin: [detector(() => new stats.Adwin()), [xs]],
  Carry: [
    (cells: [number, number, number][], margin: number, from: number) => {
      const carry = new stats.Carry<stats.CountCell, stats.CountEvidence>();
      const all = cells.map(([second, control, candidate]) => ({ second, weight: 0.5, control, candidate }));
      const make = () => new stats.CountEvidence(margin, stats.WORSE_WHEN_MORE, 1000, 100);
      carry.evidence(all.slice(0, -1), '', make);
      carry.changed(from);
      return carry.evidence(all, '', make).valueAt(2000);
    },
    [
      [
        [1000, 1, 2],
        [1100, 3, 4],
        [1200, 0, 5],
      ],
      1.25,
      1,
    ],
  ],
  CountEvidence: [
    (c, margin, start, planned, now) => {
      const e = new stats.CountEvidence(margin, stats.WORSE_WHEN_MORE, start, planned);
      e.add(c);
      return e.valueAt(now);
    },
    [cell, 1, 0, 60, 30],
  ],
  Ddm: [detector(() => new stats.Ddm()), [[0, 1, 0, 1]]],
  Eddm: [detector(() => new stats.Eddm()), [[0, 1, 0, 1]]],
  HddmA: [detector(() => new stats.HddmA()), [[0, 1, 0, 1]]],
  HddmW: [detector(() => new stats.HddmW()), [[0, 1, 0, 1]]],
  LatencyEvidence: [
    (m, c, start, planned, now) => {
      const e = new stats.LatencyEvidence(m, start, planned);
      e.add(c);
      return e.valueAt(now);
    },
    [masses, latencyCell, 0, 60, 30],
  ],
  MixtureWealth: [
    (n, start, planned, second, factors, now) => {
      const w = new MixtureWealth(n, start, planned);
      w.add(second, factors);
      return w.valueAt(now);
    },
    [2, 0, 60, 3, [0.1, -0.2], 30],
  ],
  PageHinkley: [detector(() => new stats.PageHinkley()), [xs]],
  addValue: [stats.addValue, [{ n: 3, mean: 2, m2: 1 }, 4]],
  adjustedFdr: [stats.adjustedFdr, [p]],
  adjustedFdrDependent: [stats.adjustedFdrDependent, [p]],
  adjustedInterval: [stats.adjustedInterval, [0.1, 0.04, 0.05]],
  agrestiCoullInterval: [stats.agrestiCoullInterval, [share, 0.05]],
  andersonDarling: [stats.andersonDarling, [xs, ys]],
  armSequence: [stats.armSequence, [0.5, 0.25, 100, 0.05]],
  bandsDiffer: [stats.bandsDiffer, [0.1, 100, 100, 0.05]],
  benjaminiHochberg: [stats.benjaminiHochberg, [p, 0.05]],
  bestArmProbabilities: [
    stats.bestArmProbabilities,
    [
      [0, 1],
      [1, 1],
    ],
  ],
  betaBinomial: [stats.betaBinomial, [share, share], [share, share, { alpha: 1, beta: 1 }]],
  betaCdf: [stats.betaCdf, [0.3, 2, 3]],
  betaQuantile: [stats.betaQuantile, [0.3, 2, 3]],
  betaSurvival: [stats.betaSurvival, [0.3, 2, 3]],
  bisectedSequenceP: [stats.bisectedSequenceP, [effect, 0.05, 5000, 'greater']],
  bonferroni: [stats.bonferroni, [p]],
  chiSquareCdf: [stats.chiSquareCdf, [3, 4]],
  chiSquareQuantile: [stats.chiSquareQuantile, [0.3, 4]],
  chiSquareSurvival: [stats.chiSquareSurvival, [3, 4]],
  chiSquareTest: [stats.chiSquareTest, [histogram], [histogram, current]],
  cohenH: [stats.cohenH, [0.1, 0.2]],
  cohenKappa: [
    stats.cohenKappa,
    [
      [
        [20, 5],
        [10, 15],
      ],
    ],
  ],
  confidenceBasedPerformance: [
    stats.confidenceBasedPerformance,
    [
      [0.9, 0.2, 0.6],
      [1, 0, 1],
    ],
  ],
  chanceOfCandidate: [chanceOfCandidate, [[{ share: 0.05, arm: 'control' }], 0.25]],
  confidenceSequence: [stats.confidenceSequence, [effect, 0.05], [effect, 0.05, 5000, 'less']],
  contingencyTest: [
    stats.contingencyTest,
    [
      [
        [10, 20],
        [20, 5],
      ],
    ],
  ],
  countEvidence: [countEvidence, [[cell], 1, [2, 3], 0, 60, 30]],
  countingRule: [stats.countingRule, [0.05, 0.8, 2, 3]],
  covarianceOfSums: [covarianceOfSums, [10, 20, 30, 70]],
  cramerVonMises: [stats.cramerVonMises, [xs, ys]],
  cupedEffect: [stats.cupedEffect, [cuped, cuped, 'relative'], [cupedProportion, cupedProportion, 'absolute']],
  cupedRatioEffect: [
    stats.cupedRatioEffect,
    [cupedRatio, cupedRatio, 'relative'],
    [cupedRatio, cupedRatio, 'absolute'],
  ],
  cupedTheta: [stats.cupedTheta, [cuped, cuped]],
  datasetDrift: [stats.datasetDrift, [[true, false], 0.5, [1, 2]]],
  decileEdges: [stats.decileEdges, [xs]],
  distributionBand: [stats.distributionBand, [100, 0.05]],
  designEffect: [stats.designEffect, [[[histogram, current]]]],
  divergenceP: [divergenceP, ['psi', 0.1, 10, 300, 300], ['hellinger', 0.1, 10, 300, 300]],
  doaneEdges: [stats.doaneEdges, [xs]],
  effectOf: [stats.effectOf, [a, b, 'relative'], [a, b, 'absolute']],
  energyDistance: [stats.energyDistance, [xs, ys], [xs, ys, xs, ys]],
  equalEdges: [equalEdges, [0, 1, 5]],
  evaluateDetector: [stats.evaluateDetector, [[110, 900], [100, 500], 50, 1000]],
  expectedLosses: [stats.expectedLosses, [0.1, 0.2]],
  fCdf: [stats.fCdf, [2, 3, 10]],
  fSurvival: [stats.fSurvival, [2, 3, 10]],
  fiellerInterval: [stats.fiellerInterval, [a, b, 0.05]],
  filled: [stats.filled, [[0, 0.5, 0.5]]],
  fisherExact: [
    stats.fisherExact,
    [
      [
        [6, 3],
        [4, 5],
      ],
    ],
  ],
  fromSums: [stats.fromSums, [10, 20, 60]],
  gTest: [stats.gTest, [histogram, current]],
  gammaCdf: [stats.gammaCdf, [2, 3, 1]],
  gammaP: [gammaP, [2, 3]],
  gammaQ: [gammaQ, [2, 3]],
  gammaQuantile: [stats.gammaQuantile, [0.3, 2, 1]],
  gammaSurvival: [stats.gammaSurvival, [2, 3, 1]],
  gaussianPosterior: [
    stats.gaussianPosterior,
    [0.1, 0.2, { alpha: 0.05 }],
    [0.1, 0.2, { alpha: 0.05, prior: { mean: 0, variance: 0.09 }, lowerIsBetter: true }],
  ],
  groupSequentialBounds: [
    stats.groupSequentialBounds,
    [[0.5, 1], { kind: 'power', phi: 2 }, 0.05],
    [[0.5, 1], { kind: 'pocock' }, 0.05, 1],
  ],
  hellinger: [stats.hellinger, [histogram, current]],
  histogram: [stats.histogram, [xs, [0, 5, 10]]],
  hochberg: [stats.hochberg, [p]],
  holm: [stats.holm, [p]],
  holmSidak: [stats.holmSidak, [p]],
  hommel: [stats.hommel, [p]],
  howardSequence: [stats.howardSequence, [0.1, 0.05, 1000, 0.95, 10_000]],
  intensityRatio: [stats.intensityRatio, [[132, 26], [0.95, 0.05], 0.05, 100]],
  isCrossed: [stats.isCrossed, [[{ share: 0.05, arm: 'control' }]]],
  jensenShannon: [stats.jensenShannon, [histogram, current, 2]],
  judge: [stats.judge, [look], [{ ...look, crossedUnits: 2, outOfService: { seconds: 75, limitSeconds: 60 } }]],
  judgeArms: [
    stats.judgeArms,
    [{ alpha: 0.05, candidates: 1, arms: [{ ...look, arm: 'b' }] }],
    [
      {
        alpha: 0.05,
        missed: 0.1,
        candidates: 3,
        arms: [
          { ...look, arm: 'b' },
          { ...look, arm: 'c' },
        ],
      },
    ],
  ],
  judgeDrift: [stats.judgeDrift, [[window, window, window]]],
  judgeLoss: [
    stats.judgeLoss,
    [
      { rows: 500, errors: 20 },
      [
        { rows: 300, errors: 12 },
        { rows: 300, errors: 40 },
      ],
    ],
  ],
  judgeShadow: [stats.judgeShadow, [shadow]],
  kolmogorovSurvival: [stats.kolmogorovSurvival, [0.8]],
  ksCritical: [stats.ksCritical, [0.05, 100, 100]],
  ksDistance: [stats.ksDistance, [xs, ys]],
  ksExactP: [stats.ksExactP, [10, 12, 0.4]],
  kullbackLeibler: [
    stats.kullbackLeibler,
    [
      [0.2, 0.8],
      [0.4, 0.6],
    ],
  ],
  latencyShift: [stats.latencyShift, [1.1, 40, 86]],
  latencyEvidence: [latencyEvidence, [[latencyCell], masses, 0, 60, 30]],
  lnBeta: [lnBeta, [2, 3]],
  lnGamma: [lnGamma, [2.5]],
  logBayesFactor: [logBayesFactor, [[52, 48], [0.5, 0.5], 100]],
  mannWhitney: [stats.mannWhitney, [xs, ys], [xs, ys, 'asymptotic']],
  mcnemar: [stats.mcnemar, [12, 5]],
  meanArm: [stats.meanArm, [{ n: 10, mean: 2, m2: 5 }]],
  meanArmFromSums: [stats.meanArmFromSums, [10, 20, 60]],
  mergeCells: [stats.mergeCells, [[cell], [cell]]],
  mergeMoments: [
    stats.mergeMoments,
    [
      { n: 3, mean: 2, m2: 1 },
      { n: 4, mean: 2, m2: 1 },
    ],
  ],
  minimumDetectableEffect: [stats.minimumDetectableEffect, [plan, 0.8], [{ ...plan, tuning: 5000 }, 0.8]],
  mixtureSprt: [stats.mixtureSprt, [0.1, { variance: 1, n: 100 }, { variance: 1, n: 100 }, 0.05]],
  momentsOf: [stats.momentsOf, [xs]],
  multipleExposure: [stats.multipleExposure, [1000, 20]],
  newcombeInterval: [stats.newcombeInterval, [share, share, 0.05]],
  noiseFilter: [stats.noiseFilter, [40, 2, 1000, { relativePct: 20, absolutePct: 0.03 }]],
  nonInferiority: [
    stats.nonInferiority,
    [a, b, 0.1, { kind: 'relative', prefer: 'increase', alpha: 0.05 }],
    [a, b, 0.1, { kind: 'absolute', prefer: 'decrease', alpha: 0.05 }],
  ],
  noncentralTCdf: [noncentralTCdf, [1, 20, 0.5]],
  normalCdf: [stats.normalCdf, [1]],
  normalLogSurvival: [stats.normalLogSurvival, [1]],
  normalLogCdf: [stats.normalLogCdf, [1]],
  tLogSurvival: [stats.tLogSurvival, [1, 10]],
  tLogCdf: [stats.tLogCdf, [1, 10]],
  gammaLogSurvival: [stats.gammaLogSurvival, [2, 3, 1]],
  gammaLogCdf: [stats.gammaLogCdf, [2, 3, 1]],
  chiSquareLogSurvival: [stats.chiSquareLogSurvival, [3, 4]],
  chiSquareLogCdf: [stats.chiSquareLogCdf, [3, 4]],
  betaLogCdf: [stats.betaLogCdf, [0.3, 2, 3]],
  betaLogSurvival: [stats.betaLogSurvival, [0.3, 2, 3]],
  fLogSurvival: [stats.fLogSurvival, [2, 3, 10]],
  fLogCdf: [stats.fLogCdf, [2, 3, 10]],
  fQuantile: [stats.fQuantile, [0.3, 3, 10]],
  normalQuantile: [stats.normalQuantile, [0.3]],
  normalSurvival: [stats.normalSurvival, [1]],
  overrunAlphas: [stats.overrunAlphas, [[250, 450], 300, { kind: 'power', phi: 2 }, 0.05]],
  pairedAgreement: [stats.pairedAgreement, [xs, ys]],
  permutationP: [(x, y, rounds, seed) => permutationP(x, y, stats.wasserstein, rounds, seed), [xs, ys, 99, 1]],
  pooledProportionTest: [stats.pooledProportionTest, [share, { successes: 30, n: 100 }]],
  pooledTTest: [stats.pooledTTest, [a, b]],
  populationVariance: [stats.populationVariance, [{ n: 10, mean: 2, m2: 5 }]],
  postStratified: [
    stats.postStratified,
    [
      [
        { control: a, treatment: b },
        { control: b, treatment: a },
      ],
      'relative',
    ],
    [[{ control: a, treatment: b }], 'absolute'],
  ],
  powerOf: [stats.powerOf, [plan, 0.05], [{ ...plan, tuning: 5000 }, 0.05]],
  prePeriodImbalance: [stats.prePeriodImbalance, [0.01, 3]],
  proportionArm: [stats.proportionArm, [100, 20]],
  proveRatio: [stats.proveRatio, [rated, rated, 1.25, 'below', 0.05]],
  psi: [stats.psi, [histogram, current], [histogram, current, { reference: 1, current: 3 }]],
  psiExpectation: [stats.psiExpectation, [10, 100, 100]],
  psiOfShares: [
    stats.psiOfShares,
    [
      [0.2, 0.8],
      [0.4, 0.6],
    ],
  ],
  quantileArm: [stats.quantileArm, [quantile], [quantile, clusters]],
  quantileBand: [stats.quantileBand, [xs, 0.5, 0.05]],
  quantileOf: [quantileOf, [xs, 0.3]],
  isRateBelow: [isRateBelow, [3, 100, 0.1, 0.05]],
  rateBounds: [rateBounds, [10, 100, 0.05]],
  ratioArm: [stats.ratioArm, [ratio]],
  relativeVariance: [relativeVariance, [a, b]],
  remainingFactor: [
    stats.remainingFactor,
    [{ control: a, treatment: b, alpha: 0.05, power: 0.8, mde: 0.05 }],
    [{ control: a, treatment: b, alpha: 0.05, power: 0.8, mde: 0.05, prior: { mean: 0, variance: 0.1 } }],
    [{ control: a, treatment: b, alpha: 0.05, power: 0.8, mde: 0.05, tuning: 5000 }],
  ],
  sampleRatioTest: [
    stats.sampleRatioTest,
    [
      [510, 490],
      [0.5, 0.5],
    ],
  ],
  sampleRatioTier: [stats.sampleRatioTier, [0.005, 0.01]],
  sequenceHalfWidth: [stats.sequenceHalfWidth, [1, 500, 0.04, 0.05]],
  sequenceRho: [stats.sequenceRho, [0.05, 5000]],
  sequentialMultinomial: [
    stats.sequentialMultinomial,
    [
      [
        [52, 48],
        [60, 50],
      ],
      [0.5, 0.5],
      100,
    ],
  ],
  shares: [stats.shares, [histogram]],
  shiftRatios: [shiftRatios, [masses, 0.4]],
  sidak: [stats.sidak, [p]],
  spentAlpha: [spentAlpha, [{ kind: 'obrien-fleming' }, 0.05, 0.5], [{ kind: 'power', phi: 2 }, 0.05, 0.5]],
  standardDeviationLimits: [stats.standardDeviationLimits, [xs, 3, 3]],
  stoppingRule: [stats.stoppingRule, [pulls, { delta: 0.05, epsilon: 0, minPulls: 10 }]],
  sturgesEdges: [stats.sturgesEdges, [xs]],
  tCdf: [stats.tCdf, [1, 10]],
  tQuantile: [stats.tQuantile, [0.3, 10]],
  tSurvival: [stats.tSurvival, [1, 10]],
  tTestUnitsPerArm: [stats.tTestUnitsPerArm, [0.5, 0.05, 0.8]],
  trackAndStopShares: [stats.trackAndStopShares, [pulls, { epsilon: 0.01, minProbability: 0.05 }]],
  unitsPerArm: [stats.unitsPerArm, [0.1, 1, 1, 0.05, 0.8]],
  variance: [stats.variance, [{ n: 10, mean: 2, m2: 5 }]],
  wasserstein: [stats.wasserstein, [xs, ys], [xs, ys, xs, ys]],
  welchDf: [welchDf, [a, b]],
  welchTTest: [stats.welchTTest, [a, b]],
  welchTest: [stats.welchTest, [effect, 0.05], [effect, 0.05, 'greater']],
  wilsonInterval: [stats.wilsonInterval, [share, 0.05]],
  winsorise: [stats.winsorise, [xs, 0.1, 0.9]],
  withFloor: [stats.withFloor, [[0.7, 0.3], 0.1]],
  zTestUnitsPerArm: [stats.zTestUnitsPerArm, [0.5, 0.05, 0.8]],
};
