import type { Guardrail as Declared } from '@slipway/release';
import type { Guardrail } from '@slipway/stats';
import type { Unit } from '../units/unit.ts';

/** What a rollout asks of a metric: as a guardrail with its options, or as the goal of an experiment. */
export type Rule = Omit<Declared, 'metric' | 'maxRatio' | 'minRatio' | 'role'> & {
  /** Candidate over control that is still acceptable. */
  margin: number;
  role?: Guardrail['role'];
};

/**
 * What experiment-stats does for one metric of a rollout: it counts, unit by unit. What the counts prove, and how that
 * is said, is the business of the same kind in libs/stats. Which counter a kind has: `analysis/kinds.ts`. Pure.
 */
export interface MetricCounter {
  /**
   * What is counted of a unit depends on its own rows alone, so that a look counts again those of which there is
   * something new, and no others.
   *
   * @param sign −1 takes away what was counted of the unit before
   */
  add(unit: Unit, sign: 1 | -1): void;
  /** What is handed to the judge. @param step the present one */
  guardrail(step: number): Guardrail;
}
