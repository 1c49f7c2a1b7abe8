import type { AssignmentReason, Target } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { TargetFault } from '../target/target-fault.ts';
import { type Attempt, type Plan, reasonOf } from './plan.ts';

/** What a target said that may be an answer. `busy`: its queue is full; `failed`: an error of its own. */
export type Said = { status: number; verdict: 'answered' | 'busy' | 'failed' };

/** One attempt and what came of it; times by the plan's clock. */
export type Tried<S extends Said = Said> = {
  attempt: Attempt;
  /** When it began and ended, and when all attempts are over. */
  from: number;
  to: number;
  deadline: number;
  said: S | TargetFault;
};

/** What came of a request. */
export type Conclusion<S extends Said = Said> = {
  /** The attempt that the caller's answer comes from, if any. */
  served: { target: Target; said: S } | undefined;
  fallbackFrom: Target | undefined;
  /** `late`: the control answered, after a candidate would not have been waited for any more. */
  errorCode: string;
  reason: AssignmentReason;
  /**
   * Milliseconds from the request's start until either arm would have told alike that it fails: what its own arm's
   * attempts took; the deadline, where one took longer than a candidate is waited for.
   */
  settledMs: number;
  /** What its caller is told when nobody answered. */
  problem: ProblemError | undefined;
};

const isFault = (said: Said | TargetFault): said is TargetFault => said instanceof TargetFault;

/** The last attempt's answer, when it is one. */
export function answerOf<S extends Said>(tried: readonly Tried<S>[]): { attempt: Attempt; said: S } | undefined {
  const last = tried.at(-1);
  return last && !isFault(last.said) && last.said.verdict === 'answered'
    ? { attempt: last.attempt, said: last.said }
    : undefined;
}

/** What a request came to, from what was tried for it, in order. Pure. */
export function conclude<S extends Said>(plan: Plan, tried: readonly Tried<S>[]): Conclusion<S> {
  let failure: TargetFault | undefined;
  let last: S | undefined;
  let spared: 'ejected' | 'lease_expired' | undefined = plan.spared;
  let isSlow = false;
  let settledMs = 0;
  for (const t of tried) {
    const fault = isFault(t.said) ? t.said : undefined;
    if (t.attempt.target === plan.assigned) {
      // A candidate that hangs is given up sooner than a control: that is no earlier failure.
      isSlow ||= fault?.code === 'timeout' || tookLong(t);
      settledMs = isSlow ? plan.timeoutMs : t.to - (plan.deadline - plan.timeoutMs);
    }
    if (fault) {
      failure = fault;
      // What it answered before it was withdrawn is nobody's answer.
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

/** Whether an attempt took longer than a candidate would have been waited for. */
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
    `no target of "${endpoint}" is able to answer now${failure ? `: ${failure.message}` : ''}`,
  );
}

const saidOf = (last: Said | undefined): string =>
  last ? `answered with status ${last.status}` : 'gave no answer that its protocol knows';
