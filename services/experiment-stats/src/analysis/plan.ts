import {
  allSteps,
  ANALYSERS,
  type Counts,
  type Rollout,
  type RolloutSpec,
  stepAt,
  type StepAt,
  type Steps,
} from '@slipway/release';

/** Planned duration in milliseconds of a step without a declared dwell. */
const UNDECLARED_SECONDS = 60;

/**
 * Planned length of a rollout in seconds, over which the e-process spreads the half of its stake that waits for a late
 * onset.
 */
export function plannedSeconds(spec: Steps): number {
  return allSteps(spec)
    .filter(asksTraffic)
    .reduce((sum, step) => sum + (step.dwellMs / 1000 || UNDECLARED_SECONDS), 0);
}

/** What the present step requires. */
export function stepGoal(rollout: Rollout): { dwellSeconds: number; until: Counts } {
  const step = stepAt(rollout.spec, rollout.step);
  if (!step) return { dwellSeconds: 0, until: {} };
  const { requests, units } = step.counts;
  return { dwellSeconds: step.dwellMs / 1000, until: { requests, units } };
}

/** How long the candidate may be out of service by default, in seconds. */
export const maxOutOfService = (spec: RolloutSpec & { maxOutOfService?: string | undefined }): string =>
  spec.maxOutOfService ?? '60s';

/**
 * Whether no later step waits for a comparison of both arms: what has not been detected by then will not be. (Both may
 * serve in a later step that ends without a verdict, such as a dark one.)
 */
export function isLastComparison(rollout: Pick<Rollout, 'spec' | 'step' | 'weight'>): boolean {
  const concurrent = (weight: number) => weight > 0 && weight < 1;
  return (
    concurrent(rollout.weight) && !laterSteps(rollout).some((step) => asksTraffic(step) && concurrent(step.weight))
  );
}

/**
 * Whether the candidate has everything, or all but a hold-back, after this step: no later step has a larger partial
 * share.
 */
export const isPromotedNext = (rollout: Pick<Rollout, 'spec' | 'step'>): boolean =>
  !laterSteps(rollout).some(({ share }) => typeof share === 'object' && 'part' in share);

/** Whether the step ends only on a verdict about its traffic. */
const asksTraffic = ({ leave }: StepAt): boolean => leave.analysers.includes(ANALYSERS.traffic);

const laterSteps = ({ spec, step }: Pick<Rollout, 'spec' | 'step'>) => allSteps(spec).slice(Math.max(0, step + 1));
