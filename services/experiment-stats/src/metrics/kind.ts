import type { Guardrail as Declared, Metric } from '@slipway/release';
import type { Guardrail } from '@slipway/stats';
import type { AsOf } from '../look/as-of.ts';
import type { LookRows } from '../look/look-rows.store.ts';

/** What a rollout asks of a metric: as a guardrail with its options, or as the goal of an experiment. */
export type Rule = Omit<Declared, 'metric' | 'maxRatio' | 'minRatio' | 'role'> & {
  /** Candidate over control that is still acceptable. */
  margin: number;
  role?: Guardrail['role'];
};

/**
 * What experiment-stats does for one kind of metric: it reads the sufficient statistics from the rows of a look. What
 * they prove, and how that is said, is the business of the same kind in libs/stats. Listed in `analysis/kinds.ts`.
 */
export interface MetricReader {
  guardrail(look: LookRows, metric: Metric, rule: Rule): Promise<Guardrail>;
  /** What an earlier look at the rollout fixed of the rows that the next ones see. */
  fixed?(rolloutId: string): Partial<AsOf>;
  /** The rollout is over: what was kept of it is not needed any more. */
  forget?(rolloutId: string): void;
}
