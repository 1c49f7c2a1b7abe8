import type { AssignmentReason, Target } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { TargetFault } from '../target/target-fault.ts';
import { type Attempt, type Plan, reasonOf } from './plan.ts';

/** A response that may be an answer. `busy`: the target's queue is full; `failed`: it answered with an error. */
export type Said = { status: number; verdict: 'answered' | 'busy' | 'failed' };

/** One attempt and its result; times in milliseconds by the plan's clock. */
export type Tried<S extends Said = Said> = {
  attempt: Attempt;
  /** Start and end of the request's attempts, and the deadline. */
  from: number;
  to: number;
  deadline: number;
  said: S | TargetFault;
};

/** The result of a request. */
export type Conclusion<S extends Said = Said> = {
  /** The attempt whose answer the caller gets, if any. */
  served: { target: Target; said: S } | undefined;
  fallbackFrom: Target | undefined;
  /** `late`: control answered after the time that a candidate would have been given. */
  errorCode: string;
  reason: AssignmentReason;
  /**
   * Milliseconds from the start of the request until a failure would have been known, the same for either arm: the time
   * of its own arm's attempts, or the deadline when one of them took longer than a candidate is given.
   */
  settledMs: number;
  /** The problem that the caller gets when no target answered. */
  problem: ProblemError | undefined;
};

const isFault = (said: Said | TargetFault): said is TargetFault => said instanceof TargetFault;

/** The response of the last attempt, if it is an answer. */
export function answerOf<S extends Said>(tried: readonly Tried<S>[]): { attempt: Attempt; said: S } | undefined {
  const last = tried.at(-1);
  return last && !isFault(last.said) && last.said.verdict === 'answered'
    ? { attempt: last.attempt, said: last.said }
    : undefined;
}

/** The result of a request, from its attempts in order. Pure. */
export function conclude<S extends Said>(plan: Plan, tried: readonly Tried<S>[]): Conclusion<S> {
  let failure: TargetFault | undefined;
  let last: S | undefined;
  let spared: 'ejected' | 'lease_expired' | undefined = plan.spared;
  let isSlow = false;
  let settledMs = 0;
  for (const t of tried) {
    const fault = isFault(t.said) ? t.said : undefined;
    if (t.attempt.target === plan.assigned) {
      // A candidate that hangs is given up sooner than control is; that must not make its failure an earlier one.
      isSlow ||= fault?.code === 'timeout' || tookLong(t);
      settledMs = isSlow ? plan.timeoutMs : t.to - (plan.deadline - plan.timeoutMs);
    }
    if (fault) {
      failure = fault;
      // An answer given before the withdrawal is not used.
      if (fault.code === 'withdrawn' || fault.code === 'lease_expired') last = undefined;
      if (fault.code === 'lease_expired') spared = fault.code;
    } else if (!isFault(t.said) && t.said.verdict !== 'answered') last = t.said;
  }
  const common = { reason: reasonOf(plan, spared), settledMs };
  const answer = answerOf(tried);
  if (answer) {
    const { target } = answer.attempt;
    const isOwn = target === plan.assigned;
    const isTried = tried.some((t) => t.attempt.target === plan.assigned);
    const late = plan.compared && tookLong(tried.at(-1) as Tried<S>);
    const own = answer.said.status >= 400 ? 'rejected' : late ? 'late' : '';
    return {
      ...common,
      served: { target, said: answer.said },
      fallbackFrom: isOwn ? undefined : plan.assigned,
      // Beside another arm's ejection its own version was tried all the same.
      errorCode: isOwn ? own : spared && !(spared === 'ejected' && isTried) ? '' : errorCode(failure, last),
      problem: undefined,
    };
  }
  const code = errorCode(failure, last);
  return {
    ...common,
    served: undefined,
    fallbackFrom: plan.fallBack ? plan.assigned : undefined,
    errorCode: code,
    problem: refusal(code, plan, failure, last),
  };
}

/** Whether an attempt took longer than a candidate would have been given. */
function tookLong({ attempt, from, to, deadline }: Tried): boolean {
  return to - from > (deadline - from) * attempt.candidatesShare;
}

function errorCode(failure: TargetFault | undefined, last: Said | undefined): string {
  if (last) return last.verdict === 'busy' ? 'overloaded' : 'target_failed';
  if (failure?.code === 'garbage') return 'target_failed';
  const named = failure && ['timeout', 'withdrawn', 'lease_expired', 'overloaded'].includes(failure.code);
  return failure && named ? failure.code : 'no_target';
}

function refusal(
  code: string,
  { endpoint, timeoutMs }: Plan,
  failure: TargetFault | undefined,
  last: Said | undefined,
): ProblemError {
  if (code === 'timeout')
    return new ProblemError('timeout', `no target of "${endpoint}" answered within ${timeoutMs} ms`);
  if (code === 'target_failed') return new ProblemError('target_failed', `the model of "${endpoint}" ${saidOf(last)}`);
  return new ProblemError(
    code === 'overloaded' ? 'overloaded' : 'no_target',
    `no target of "${endpoint}" can answer now${failure ? `: ${failure.message}` : ''}`,
  );
}

const saidOf = (last: Said | undefined): string =>
  last ? `answered with status ${last.status}` : 'gave a response that is not an answer of its protocol';
