import { type Rollout, type RolloutSpec, stepDwellMs, stepKind, stepWeight } from '@slipway/release';

/** A step without a declared dwell is planned with so long. */
const UNDECLARED_SECONDS = 60;

/**
 * Planned length of a rollout, seconds: over it the e-process spreads the half of its stake that waits for a late
 * onset.
 */
export function plannedSeconds(spec: RolloutSpec): number {
  return spec.steps
    .filter((step) => ['canary', 'experiment', 'watch'].includes(stepKind(step)))
    .reduce((sum, step) => sum + (stepDwellMs(step) / 1000 || UNDECLARED_SECONDS), 0);
}

/** What the present step asks for. */
export function stepGoal(rollout: Rollout): {
  dwellSeconds: number;
  until: { requests?: number | undefined; units?: number | undefined };
} {
  const step = rollout.spec.steps[rollout.step];
  if (!step) return { dwellSeconds: 0, until: {} };
  const { requests, units } = 'canary' in step ? step.canary.until : 'experiment' in step ? step.experiment.until : {};
  return { dwellSeconds: stepDwellMs(step) / 1000, until: { requests, units } };
}

/** For how long the candidate may be out of service, where the specification does not say. */
export const maxOutOfService = (spec: RolloutSpec & { maxOutOfService?: string | undefined }): string =>
  spec.maxOutOfService ?? '60s';

/** Whether both arms are compared in no later step: what has not been seen in this one will not be. */
export function isLastComparison(rollout: Pick<Rollout, 'spec' | 'step' | 'weight'>): boolean {
  const concurrent = (weight: number) => weight > 0 && weight < 1;
  return (
    concurrent(rollout.weight) &&
    !rollout.spec.steps.some((_, i) => i > rollout.step && concurrent(stepWeight(rollout.spec.steps, i)))
  );
}

/**
 * Whether the candidate has everything, or all but a hold-back, after this step: no step comes that widens it in part.
 */
export const isPromotedNext = ({ spec, step }: Pick<Rollout, 'spec' | 'step'>): boolean =>
  !spec.steps.some((s, i) => i > step && ['canary', 'experiment'].includes(stepKind(s)));
