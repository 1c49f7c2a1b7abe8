import type { GuardrailNumbers } from '../guardrails/kinds.ts';
import type { JudgeInput } from './input.ts';

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
