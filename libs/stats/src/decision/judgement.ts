import type { Proof } from '../sequential/proof.ts';
import type { Exclusion } from './harm.ts';
import type { JudgeInput, LatencyQuantiles, Role } from './input.ts';

export type GuardrailNumbers = {
  metric: string;
  e: number;
  /** Share of the stake, summing to 1 over the guardrails in force. */
  stake: number;
  inForce: boolean;
  role: Role;
  /** Where proof is asked for: how far it is. */
  proof?: Proof;
  /** Where a harm is named: whether it is excluded. */
  harm?: Exclusion;
  candidate?: { units: number; events: number; rate: number | null };
  control?: { units: number; events: number; rate: number | null };
  margin: number;
  direction?: 'lower' | 'higher';
  /** Of latency: what both arms show in the present step. */
  quantiles?: { control: LatencyQuantiles | null; candidate: LatencyQuantiles | null };
  /** Of latency, while there is none: how many answers of the control there are, and how many it takes. */
  baseline?: { answers: number; needed: number };
  /** Where the candidate's own figures stand to its limit. */
  limit: LimitState;
  /** Figures of this step that were compared with the limit: there is enough of them. */
  compared: Figure[];
  /** Those of them that are beyond it. */
  beyond: Figure[];
};

/** What a limit is compared with: a rate of events, or each quantile of latency. */
export type Figure = 'rate' | 'p50' | 'p90' | 'p99';

/**
 * `proven broken`: its part of the evidence alone rolls back. `proven kept`: shown by the confidence sequence, or a
 * harm no greater than the margin is excluded. `point estimate breaks it`: the candidate's figure of this step is
 * beyond it, which is no proof.
 */
export type LimitState = 'proven kept' | 'not excluded' | 'point estimate breaks it' | 'proven broken';

export type Judgement = {
  verdict: 'advance' | 'hold' | 'rollBack';
  reasons: string[];
  sentence: string;
  numbers: {
    e: number;
    threshold: number;
    sample_ratio_e: number;
    guardrails: GuardrailNumbers[];
    step: JudgeInput['step'];
    crossed_units: number;
    /**
     * With an exposure fault: the evidence at the least favourable shares that the units still allow, and its
     * threshold.
     */
    least_favourable?: { e: number; threshold: number };
    /** Where the candidate is out of service. */
    out_of_service?: { seconds: number; limit_seconds: number };
  };
};
