import type { Carry } from '../e-process/carry.ts';
import type { CountCell, CountEvidence } from '../e-process/counts.ts';
import type { RunningEvidence } from '../e-process/mixture.ts';
import type { Look } from '../guardrails/kind.ts';
import type { Guardrail } from '../guardrails/kinds.ts';

export type JudgeInput = Look & {
  guardrails: Guardrail[];
  /** First exposures of units per step, ordered by second: the sample-ratio test. */
  exposures: readonly CountCell[] | RunningEvidence;
  /** What is carried from look to look of the evidence of the exposures. */
  exposuresCarry?: Carry<CountCell, CountEvidence> | undefined;
  /** Units that were given to both arms at shares that do not allow it; they are in no other count. */
  crossedUnits: number;
  /**
   * For how long each request of the candidate was ejected (but for those that probe), and how long it may be; seconds.
   */
  outOfService?: { seconds: number; limitSeconds: number } | undefined;
};
