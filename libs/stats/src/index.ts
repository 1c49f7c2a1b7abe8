export * from './agreement/judge-shadow.ts';
export * from './agreement/paired.ts';
export * from './bandit/track-and-stop.ts';
export * from './bayes/beta-binomial.ts';
export * from './bayes/gaussian.ts';
export * from './decision/input.ts';
export { judge } from './decision/judge.ts';
export * from './decision/judge-arms.ts';
export * from './decision/judgement.ts';
export * from './distance/contingency.ts';
export {
  decileEdges,
  doaneEdges,
  filled,
  hellinger,
  histogram,
  jensenShannon,
  kullbackLeibler,
  lInfinity,
  psiOfShares,
  shares,
  sturgesEdges,
} from './distance/divergence.ts';
export * from './distance/empirical.ts';
export * from './distance/rank-tests.ts';
export * from './drift/design-effect.ts';
export * from './drift/loss.ts';
export * from './drift/policy.ts';
export * from './drift/psi.ts';
export * from './drift/windows.ts';
export {
  type CountCell,
  CountEvidence,
  mergeCells,
  SAMPLE_RATIOS,
  WORSE_WHEN_FEWER,
  WORSE_WHEN_MORE,
} from './e-process/counts.ts';
export { type LatencyCell, LatencyEvidence, latencyShift } from './e-process/latency.ts';
export { Carry } from './e-process/carry.ts';
export type { RunningEvidence } from './e-process/mixture.ts';
export { isCrossed, ReturningUnits, type Sighting } from './e-process/returning-units.ts';
export { type Arm, meanArm, meanArmFromSums, proportionArm, ratioArm, type RatioSums } from './effect/arm.ts';
export * from './effect/cuped.ts';
export * from './effect/non-inferiority.ts';
export * from './effect/post-stratification.ts';
export * from './effect/proportions.ts';
export * from './effect/quantile.ts';
export {
  type Alternative,
  type Difference,
  type Effect,
  effectOf,
  fiellerInterval,
  pooledTTest,
  type TestResult,
  welchTest,
  welchTTest,
} from './effect/two-sample.ts';
export * from './effect/winsorise.ts';
export { StatsError, type StatsErrorCode } from './errors.ts';
export type { Exclusion, Harm } from './guardrails/harm.ts';
export type { ArmTotals } from './guardrails/kind.ts';
export type { Guardrail, GuardrailNumbers } from './guardrails/kinds.ts';
export type { ProportionGuardrail } from './guardrails/proportion.ts';
export type { LatencyCarry, LatencyQuantiles, QuantileGuardrail } from './guardrails/quantile.ts';
export * from './kernel/distributions.ts';
export { chiSquareSurvival } from './kernel/gamma.ts';
export {
  addValue,
  EMPTY,
  fromSums,
  mergeMoments,
  type Moments,
  momentsOf,
  populationVariance,
  variance,
} from './moments/moments.ts';
export * from './multiplicity/multiplicity.ts';
export {
  cohenH,
  type MidExperimentInput,
  minimumDetectableEffect,
  type PowerInput,
  powerOf,
  remainingFactor,
  tTestUnitsPerArm,
  unitsPerArm,
  zTestUnitsPerArm,
} from './power/power.ts';
export * from './sample-ratio/sample-ratio.ts';
export {
  armSequence,
  bisectedSequenceP,
  confidenceSequence,
  howardSequence,
  mixtureSprt,
  sequenceHalfWidth,
  sequenceRho,
} from './sequential/confidence-sequence.ts';
export * from './sequential/distribution-band.ts';
export { groupSequentialBounds, overrunAlphas, type Spending } from './sequential/group-sequential.ts';
export { intensityRatio, sequentialMultinomial } from './sequential/multinomial.ts';
export { type Proof, proveRatio, type Rated } from './sequential/proof.ts';
export * from './stream/adwin.ts';
export * from './stream/ddm.ts';
export * from './stream/detector.ts';
export * from './stream/evaluate.ts';
export * from './stream/hddm.ts';
export * from './stream/page-hinkley.ts';
export { percent } from './wording/percent.ts';
