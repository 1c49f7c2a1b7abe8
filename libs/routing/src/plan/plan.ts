import type { AssignmentReason, Branch, Route, Target } from '@slipway/contracts';
import type { Assignment } from '../assign.ts';
import { armsOf } from '../branches.ts';
import { type EjectedTargets, isOut, orderOf, type Place } from '../target/order.ts';

/** The part of the remaining time that a candidate is given; control needs the rest for its answer as the fallback. */
const CANDIDATES_PART = 0.6;
/** The part of the remaining time for an address when another one follows. */
const NOT_THE_LAST_PART = 0.4;

/** One attempt at one target. */
export type Attempt = Place & {
  target: Target;
  /** The part of the remaining time that it may take, 0..1. */
  share: number;
  /** The part that a candidate would be given in its place: an answer of control that takes longer counts as late. */
  candidatesShare: number;
};

/** The plan of one request: a value, made before any target is called. */
export type Plan = {
  endpoint: string;
  assignment: Assignment;
  /** The version that the request was assigned to. */
  assigned: Target;
  /**
   * The version that answers when the assigned one cannot; undefined for control's own and for forced requests. Its
   * attempts are ordered when they are needed (`fallBackAttempts`), because the state of the targets may have changed
   * by then.
   */
  fallBack: Target | undefined;
  attempts: readonly Attempt[];
  /** Milliseconds for all attempts together, and the deadline by the given clock. */
  timeoutMs: number;
  deadline: number;
  /** Whether it is compared with the candidates': a request of control that was randomised. */
  compared: boolean;
  /**
   * What keeps the candidate from being tried at all: no target of it is to be asked now. `ejected` also of a
   * randomised request of another arm that this candidate would not be tried for: it is no event of any arm then.
   */
  spared: 'ejected' | undefined;
};

/** The state at one moment. `now` is in milliseconds by a monotonic clock; `turn` counts the requests. */
type Moment = { states: EjectedTargets; now: number; turn: number };

/** Makes the plan of one request. Pure. */
export function planOf(route: Route, assignment: Assignment, moment: Moment): Plan {
  const { branch, arm } = assignment;
  const [control, ...candidates] = armsOf(branch);
  const assigned = arm.target;
  const isControls = arm.name === control.name;
  const fallBack = isControls || assignment.reason === 'forced' ? undefined : control.target;
  const compared = isControls && candidates.length > 0 && assignment.reason === 'randomised';
  const attempts = attemptsOf(assigned, targetsBeside(branch, arm.name), fallBack === undefined, moment);
  const others = assignment.reason === 'randomised' ? candidates.filter((c) => c.name !== arm.name) : [];
  const isSpared =
    (fallBack !== undefined && attempts.length === 0) ||
    others.some((c) => isOut(c.target, targetsBeside(branch, c.name), moment.states));
  return {
    endpoint: route.endpoint,
    assignment,
    assigned,
    fallBack,
    attempts,
    timeoutMs: route.timeout_ms,
    deadline: moment.now + route.timeout_ms,
    compared,
    spared: isSpared ? 'ejected' : undefined,
  };
}

/** The attempts at the fallback version, for a plan whose own attempts failed. Pure. */
export function fallBackAttempts({ fallBack, assignment }: Plan, moment: Omit<Moment, 'now'>): Attempt[] {
  const [control] = armsOf(assignment.branch);
  return fallBack ? attemptsOf(fallBack, targetsBeside(assignment.branch, control.name), true, moment) : [];
}

/** The versions of the branch's other arms. */
function targetsBeside(branch: Branch, arm: string): Target[] {
  return armsOf(branch)
    .filter((a) => a.name !== arm)
    .map((a) => a.target);
}

/**
 * The attempts at one version.
 * @param isLast there is no fallback: ejected targets are tried too, as a last resort, and may take all the time
 */
export function attemptsOf(
  target: Target,
  beside: readonly Target[],
  isLast: boolean,
  moment: Omit<Moment, 'now'>,
): Attempt[] {
  const { states, turn } = moment;
  const places = orderOf(target, beside, { ejectedToo: isLast, states, turn });
  return places.map((place, i) => {
    const part = i < places.length - 1 ? NOT_THE_LAST_PART : 1;
    const candidatesShare = part * CANDIDATES_PART;
    return { ...place, target, share: isLast ? part : candidatesShare, candidatesShare };
  });
}

/** Why the request was served by its arm, as written in its row. */
export function reasonOf({ assignment }: Plan, spared: 'ejected' | 'lease_expired' | undefined): AssignmentReason {
  return assignment.reason === 'randomised' ? (spared ?? assignment.reason) : assignment.reason;
}
