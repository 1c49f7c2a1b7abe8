import type { Guardrail as Declared } from '@slipway/release';
import type { Guardrail } from '@slipway/stats';
import type { Unit } from '../units/unit.ts';

/** A rollout's use of a metric: as a guardrail with its options, or as the goal of an experiment. */
export type Rule = Omit<Declared, 'metric' | 'maxRatio' | 'minRatio' | 'role'> & {
  /** The acceptable ratio of candidate over control. */
  margin: number;
  role?: Guardrail['role'];
};

/**
 * Counts one metric of a rollout, unit by unit. The same kind in libs/stats defines what the counts prove, and the
 * sentence. `analysis/kinds.ts` lists the counter of each kind. Pure.
 */
export interface MetricCounter {
  /**
   * The counts of a unit depend on its own rows alone, so a look counts again only the units with new data.
   *
   * @param sign −1 removes the unit's earlier counts
   */
  add(unit: Unit, sign: 1 | -1): void;
  /** The input of the judge. @param step the present one */
  guardrail(step: number): Guardrail;
}
