import type { CountCell, CountEvidence } from '../e-process/counts.ts';
import type { LatencyCell, LatencyEvidence } from '../e-process/latency.ts';
import type { RunningEvidence } from '../e-process/mixture.ts';
import type { Harm } from './harm.ts';

export type ArmTotals = { requests: number; units: number };

/**
 * `guardrail` must not get worse; `goal` must be shown to be better before an experiment may end; `watch` is told and
 * decides nothing.
 */
export type Role = 'guardrail' | 'goal' | 'watch';

export type EventGuardrail = {
  kind: 'events';
  role?: Role | undefined;
  /** The policy asks for proof that the margin is kept before the candidate may widen. */
  proof?: boolean | undefined;
  metric: string;
  source: 'error' | 'outcome';
  /** `lower`: an event is bad. `higher`: an event is good (a conversion). */
  direction: 'lower' | 'higher';
  /** Candidate over control that is still acceptable. */
  margin: number;
  /** All steps, ordered by second; each unit counted once per step. Or the evidence of that, carried on. */
  cells: readonly CountCell[] | CountEvidence;
  /** The smallest harm that must be excluded before the last comparison ends. */
  harm?: Harm | undefined;
  /**
   * In the present step: units observed for this metric, and those with an event; of errors also which share of a
   * unit's requests failed, on average over units (where it is not given, each unit has one request), and which share
   * the control, asked in the candidate's place, did not answer either.
   */
  step: {
    control: { units: number; events: number };
    candidate: { units: number; events: number; failedShare?: number | undefined; sharedShare?: number | undefined };
  };
};

/** Answers of one arm, and their quantiles, microseconds. */
export type LatencyQuantiles = { answers: number; p50: number; p90: number; p99: number };

export type LatencyGuardrail = {
  kind: 'latency';
  metric: string;
  margin: number;
  /** The control's bucket shares; `null` while it has too few answers to cut buckets: nothing advances then. */
  masses: readonly number[] | null;
  /** How many answers of the control there are to cut buckets by, and how many it takes. */
  baseline?: { answers: number; needed: number } | undefined;
  /** What both arms show in the present step. */
  quantiles?: { control: LatencyQuantiles | null; candidate: LatencyQuantiles | null } | undefined;
  cells: readonly LatencyCell[] | { distribution: LatencyEvidence; tail: RunningEvidence };
  /**
   * The slow-down that must be excluded before the last comparison ends, in normal scores (`latencyShift`); `null`
   * where there is nothing to measure it by.
   */
  harm?: number | null | undefined;
  /** Quantiles of the candidate in the present step with their limits, microseconds. */
  sla: { quantile: string; limitUs: number; actualUs: number | null }[];
};

export type JudgeInput = {
  /** This analyser's share of the rollout's α. */
  alpha: number;
  startSecond: number;
  nowSecond: number;
  /** Planned length of the rollout, seconds. */
  plannedSeconds: number;
  step: {
    index: number;
    weight: number;
    /** How long the step has been active, and how long it must be. */
    activeSeconds: number;
    dwellSeconds: number;
    until: { requests?: number | undefined; units?: number | undefined };
    /** After this step nothing is concurrent any more: what has not been seen by then will not be. */
    lastComparison?: boolean | undefined;
    /** After this step the candidate has everything, or all but a hold-back. */
    promotes?: boolean | undefined;
    totals: { control: ArmTotals; candidate: ArmTotals };
  };
  guardrails: (EventGuardrail | LatencyGuardrail)[];
  /** First exposures of units per step, ordered by second: the sample-ratio test. */
  exposures: readonly CountCell[] | RunningEvidence;
  /** Units that were given to both arms at shares that do not allow it; they are in no other count. */
  crossedUnits: number;
  /**
   * For how long each request of the candidate was ejected (but for those that probe), and how long it may be; seconds.
   */
  outOfService?: { seconds: number; limitSeconds: number } | undefined;
  /** Largest probability of promoting a candidate that does a harm which the policy names. */
  missed?: number | undefined;
};
