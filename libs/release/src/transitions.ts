import { type Command, type Rollout, type RolloutStatus, type StepVisit } from './rollout.ts';
import { ProblemError } from '@slipway/core';
import { nameOfArm, remainingCandidates } from './arms.ts';
import { stepAt, stepWeight } from './steps/step-at.ts';

/** A rollout after a change, before it gets its next revision. Every function here is pure and returns a new value. */
type Change = (rollout: Rollout, now: number) => Rollout;

const leave = (visits: readonly StepVisit[], now: number): StepVisit[] =>
  visits.map((v) => (v.left_at === null ? { ...v, phase: 'done', left_at: now } : v));

/** Enters a step: traffic is unchanged until its versions are warm and it is activated. */
export function enterStep(rollout: Rollout, step: number, now: number): Rollout {
  const visit: StepVisit = {
    step,
    phase: 'preparing',
    weight: stepWeight(rollout.spec, step),
    entered_at: now,
    active_at: null,
    left_at: null,
  };
  return { ...rollout, status: 'running', step, visits: [...leave(rollout.visits, now), visit] };
}

export const activate: Change = (rollout, now) => {
  const weight = stepWeight(rollout.spec, rollout.step);
  const visits = rollout.visits.map((v, i) =>
    i === rollout.visits.length - 1 ? { ...v, phase: 'active' as const, active_at: now } : v,
  );
  return {
    ...rollout,
    weight,
    visits,
    reason: stepAt(rollout.spec, rollout.step)?.sentence ?? rollout.reason,
  };
};

/**
 * Enters the next step or, after the last one, promotes.
 * @param winner the candidate to promote, when there are several
 */
export function advance(
  rollout: Rollout,
  reason: string,
  evidenceId: string | null,
  now: number,
  winner?: string,
): Rollout {
  const next = { ...rollout, reason, evidence_id: evidenceId };
  if (!isLastStep(rollout)) return enterStep(next, rollout.step + 1, now);
  const promoted = end(next, 'promoted', reason, evidenceId, now);
  return rollout.spec.candidates ? { ...promoted, winner } : promoted;
}

const isLastStep = ({ step, spec }: Rollout) => step + 1 >= spec.steps.length;

/**
 * Withdraws one of several candidates permanently: control answers its units, and no other arm's units change.
 * @throws ProblemError when it is not a remaining candidate, or the last one
 */
export function withdraw(
  rollout: Rollout,
  arm: string,
  reason: string,
  evidenceId: string | null,
  now: number,
): Rollout {
  requireRemaining(rollout, arm);
  if (remainingCandidates(rollout).length === 1)
    throw new ProblemError('conflict', `"${arm}" is the last candidate: roll the rollout back instead`);
  const said = `Withdrew ${nameOfArm(arm)}: ${reason}`;
  return {
    ...rollout,
    withdrawn: [...(rollout.withdrawn ?? []), { arm, at: now, reason, evidence_id: evidenceId }],
    reason: said,
    evidence_id: evidenceId,
  };
}

/** @throws ProblemError unless the arm is a candidate that has not been withdrawn */
function requireRemaining(rollout: Rollout, arm: string | undefined): asserts arm is string {
  const remaining = remainingCandidates(rollout).map((c) => c.name);
  if (arm !== undefined && remaining.includes(arm)) return;
  const wrong = arm === undefined ? 'is missing' : `"${arm}" is not a candidate of this rollout`;
  const message = `${wrong}; the candidates are ${remaining.join(', ')}`;
  throw new ProblemError('invalid_request', `arm: ${message}`, { errors: [{ field: 'arm', message }] });
}

export function end(
  rollout: Rollout,
  status: Extract<RolloutStatus, 'promoted' | 'rolledBack' | 'aborted'>,
  reason: string,
  evidenceId: string | null,
  now: number,
): Rollout {
  return {
    ...rollout,
    status,
    weight: status === 'promoted' ? 1 : 0,
    visits: leave(rollout.visits, now),
    ended_at: now,
    reason,
    evidence_id: evidenceId,
  };
}

/** The weight of the last step that ended by an advance; 0 before that. */
export function lastProvenWeight(rollout: Rollout): number {
  const passed = rollout.visits.filter((v) => v.phase === 'done' && v.step < rollout.step && v.active_at !== null);
  return passed.at(-1)?.weight ?? 0;
}

/** An automatic pause: the candidate keeps only the proven weight. */
export function pause(rollout: Rollout, reason: string, evidenceId: string | null): Rollout {
  return {
    ...rollout,
    status: 'paused',
    weight: Math.min(rollout.weight, lastProvenWeight(rollout)),
    reason,
    evidence_id: evidenceId,
  };
}

/** Records what an active step waits for, and since when; nothing else changes. */
export function hold(rollout: Rollout, reason: string, now: number): Rollout {
  const visits = rollout.visits.map((v, i) => (i === rollout.visits.length - 1 ? { ...v, held_at: now } : v));
  return { ...rollout, visits, reason };
}

/** Records an approval of the step under way; `decide` counts them. @param by who approves */
export function approve(rollout: Rollout, by: string, reason: string, at: number): Rollout {
  const noted = (v: StepVisit) => ({ ...v, approvals: [...(v.approvals ?? []), { by, at, reason }] });
  return { ...rollout, visits: rollout.visits.map((v, i) => (i === rollout.visits.length - 1 ? noted(v) : v)) };
}

const ALLOWED: Record<Command['command'], readonly RolloutStatus[]> = {
  start: ['created'],
  promote: ['running', 'paused'],
  pause: ['running'],
  resume: ['paused'],
  abort: ['created', 'running', 'paused'],
  rollBack: ['running', 'paused'],
  approve: ['running'],
  withdraw: ['running', 'paused'],
};

/** Whether the command has been carried out already, so that repeating it changes nothing. */
export function isObeyed(rollout: Rollout, { command, arm }: Pick<Command, 'command' | 'arm'>): boolean {
  return (
    (command === 'rollBack' && rollout.status === 'rolledBack') ||
    (command === 'abort' && rollout.status === 'aborted') ||
    (command === 'withdraw' && (rollout.withdrawn ?? []).some((w) => w.arm === arm))
  );
}

/** @throws ProblemError conflict when the command makes no sense in the rollout's state */
export function obey(rollout: Rollout, command: Command, actor: string, now: number): Rollout {
  const name = command.command;
  if (name === 'approve' && !stepAt(rollout.spec, rollout.step)?.leave.approvals)
    throw new ProblemError('conflict', `no step of this rollout asks for an approval now; it is ${rollout.status}`);
  if (!ALLOWED[name].includes(rollout.status)) {
    throw new ProblemError(
      'conflict',
      `"${name}" makes no sense now: the rollout is ${rollout.status}; it needs one that is ` +
        `${ALLOWED[name].join(' or ')}`,
    );
  }
  if (command.arm !== undefined && name !== 'promote' && name !== 'withdraw')
    throw new ProblemError('invalid_request', `arm: "${name}" applies to the whole rollout`, {
      errors: [{ field: 'arm', message: `"${name}" applies to the whole rollout` }],
    });
  const why = `${actor}: ${command.reason || name}`;
  switch (name) {
    case 'start':
      return { ...enterStep(rollout, 0, now), started_at: now, reason: why };
    case 'promote':
      // If two people promote at the same time, the second must not skip a step that nobody has seen.
      if (rollout.visits.at(-1)?.phase === 'preparing')
        throw new ProblemError(
          'conflict',
          `"promote" makes no sense now: step ${rollout.step} is being prepared; it ends a step that is active`,
        );
      if (isLastStep(rollout) && rollout.spec.candidates) requireRemaining(rollout, command.arm);
      return advance({ ...rollout, status: 'running' }, why, null, now, command.arm);
    case 'withdraw':
      requireRemaining(rollout, command.arm);
      return withdraw(rollout, command.arm, why, null, now);
    case 'pause':
      return { ...rollout, status: 'paused', reason: why };
    case 'resume': {
      const active = rollout.visits.at(-1)?.phase === 'active';
      return {
        ...rollout,
        status: 'running',
        weight: active ? stepWeight(rollout.spec, rollout.step) : rollout.weight,
        // What kept the candidate from serving is measured again.
        visits: rollout.visits.map((v, i) => (i === rollout.visits.length - 1 ? { ...v, resumed_at: now } : v)),
        reason: why,
      };
    }
    case 'abort':
      return end(rollout, 'aborted', why, null, now);
    case 'rollBack':
      return end(rollout, 'rolledBack', why, null, now);
    case 'approve':
      return approve({ ...rollout, reason: why }, actor, command.reason, now);
  }
}
