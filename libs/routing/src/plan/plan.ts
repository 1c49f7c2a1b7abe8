import type { AssignmentReason, Branch, Route, Target } from '@slipway/contracts';
import type { Assignment } from '../assign.ts';
import { armsOf } from '../branches.ts';
import { type EjectedTargets, isOut, orderOf, type Place } from '../target/order.ts';

/**
 * Of what is left of the deadline, the part that a candidate is waited for: control needs the rest to answer for it.
 */
const CANDIDATES_PART = 0.6;
/** And the part for an address after which there is another. */
const NOT_THE_LAST_PART = 0.4;

/** One question to one target. */
export type Attempt = Place & {
  target: Target;
  /** The part of what is left of the deadline that it may take, 0..1. */
  share: number;
  /** The part that a candidate would be waited for in its place: what takes longer is no better of the control. */
  candidatesShare: number;
};

/** What is to happen to one request: a value, worked out before anyone is asked. */
export type Plan = {
  endpoint: string;
  assignment: Assignment;
  /** Whose request it is. */
  assigned: Target;
  /**
   * Who answers when that version cannot; undefined for control's own and for forced requests. Its attempts are
   * ordered when it comes to that (`fallBackAttempts`): seconds later other targets may be up.
   */
  fallBack: Target | undefined;
  attempts: readonly Attempt[];
  /** Milliseconds for all attempts together, and when they are over, by the clock that was given. */
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

/** What is known at one moment; `now` in milliseconds by a monotonic clock, `turn` counts the requests. */
type Moment = { states: EjectedTargets; now: number; turn: number };

/** The plan of one request. Pure. */
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

/** Of a plan whose own attempts gave no answer: those of the version that answers instead. Pure. */
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
 * The attempts at one version, whatever else serves the endpoint.
 * @param isLast nobody answers instead: ejected targets are tried too, as a last resort, and all the time may be taken
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

/** Why a request's arm answered it, as its row says. */
export function reasonOf({ assignment }: Plan, spared: 'ejected' | 'lease_expired' | undefined): AssignmentReason {
  return assignment.reason === 'randomised' ? (spared ?? assignment.reason) : assignment.reason;
}
