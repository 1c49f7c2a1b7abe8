import type { Proof } from '../sequential/proof.ts';
import type { ShareBounds } from './exposure.ts';
import type { Exclusion } from './harm.ts';

/** Fewest units of the candidate that anything is told of: observed for an outcome, or tried in a step. */
export const MIN_UNITS = 20;

export type ArmTotals = { requests: number; units: number };

/**
 * `guardrail` must not get worse; `goal` must be shown to be better before an experiment may end; `watch` is told and
 * decides nothing.
 */
export type Role = 'guardrail' | 'goal' | 'watch';

/** What a guardrail of any kind says of itself. */
export type Declared = {
  metric: string;
  /** Candidate over control that is still acceptable. */
  margin: number;
  /** `guardrail` when absent. */
  role?: Role | undefined;
  /** The policy asks for proof that the margin is kept before the candidate may widen. */
  proof?: boolean | undefined;
};

export type Step = {
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

/** What one look sees beside its guardrails. */
export type Look = {
  /** This analyser's share of the rollout's α. */
  alpha: number;
  startSecond: number;
  nowSecond: number;
  /** Planned length of the rollout, seconds. */
  plannedSeconds: number;
  step: Step;
  /** Largest probability of promoting a candidate that does a harm which the policy names. */
  missed?: number | undefined;
};

/** A guardrail's e-value, and how far its harm is from being excluded. */
export type Running = { e: number; harm?: Exclusion };

/** Figures of this step that were compared with the limit (there is enough of them), and those that are beyond it. */
export type Compared = { compared: string[]; beyond: string[] };

/**
 * `proven broken`: its part of the evidence alone rolls back. `proven kept`: shown by the confidence sequence, or a
 * harm no greater than the margin is excluded. `point estimate breaks it`: the candidate's figure of this step is
 * beyond it, which is no proof.
 */
export type LimitState = 'proven kept' | 'not excluded' | 'point estimate breaks it' | 'proven broken';

/** What a verdict says of a guardrail of any kind. */
export type Numbers = Running &
  Compared & {
    metric: string;
    /** Share of the stake, summing to 1 over the guardrails in force. */
    stake: number;
    inForce: boolean;
    role: Role;
    /** Where proof is asked for: how far it is. */
    proof?: Proof;
    margin: number;
    /** Where the candidate's own figures stand to its limit. */
    limit: LimitState;
  };

/**
 * What the judge has to know of one kind of guardrail: one value a kind, listed in `kinds.ts`. Pure.
 *
 * `G` is what is handed in of such a guardrail, `F` the figures that its verdict tells beside {@link Numbers}.
 */
export interface GuardrailKind<G extends Declared, F extends object> {
  /** Whether there is enough to compare by; what is not in force has no stake. */
  inForce(g: G): boolean;
  /** A third of the stake goes to each guardrail of errors or latency, and one third to all outcomes together. */
  stake(g: G): 'error' | 'latency' | 'outcome';
  evidence(g: G, look: Look): Running;
  /** A goal has to be better than the control, a guardrail no worse than its margin. Absent: nothing can be proved. */
  proof?(g: G, alpha: number): Proof;
  /** The evidence at the shares that are the worst for it that `bounds` allow; 1 where no share is. */
  leastFavourable(g: G, look: Look, bounds: ShareBounds): number;
  figures(g: G): F;
  compare(n: Numbers & F): Compared;
  /** Whether the margin is kept because a harm is excluded that is no greater. */
  isKeptByExclusion?(n: Numbers & F & { harm: Exclusion }): boolean;
  /** Why the candidate may not advance yet: `code:metric`, or `code:metric.detail`. */
  missing(g: G, step: Step): string[];
  /**
   * What shows where the candidate has everything and is compared with nothing: it fails by itself, or it does where
   * the control could not answer either.
   */
  alone?(g: G): 'gross_failure' | 'outage' | undefined;

  /** Both arms' figures in the metric's own unit, the limit, and how they stand to each other. */
  versus(n: Numbers & F): string;
  /** The codes that `missing` gives, in words. @param subject what follows the code */
  reasons: Readonly<Record<string, (n: Numbers & F, step: Step, subject: string) => string>>;
  /** How far the proof is, in brackets after a space. */
  untilProved?(n: Numbers & F, step: Step): string;
  /** How far the exclusion of the harm is, in brackets after a space. */
  untilExcluded(n: Numbers & F): string;
}
