import { formatVersion, ProblemError, problemDocument } from '@slipway/core';
import { type Route, type Target } from '@slipway/contracts';
import { counter, headerText, type Logger, problemsTotal, workerHeaders } from '@slipway/platform';
import type { Assignment } from '@slipway/routing';
import { barred } from '../routing/barred.ts';
import type { RouteTable } from '../routing/route-table.ts';
import { TargetFault } from '../target/target-fault.ts';
import type { TargetAnswer, TargetClient } from '../target/target.client.ts';
import { targetKey, type Targets } from '../target/targets.ts';

const ejectionsTotal = counter('slipway_router_ejections_total', 'Ejections of targets', ['endpoint']);

export type Ids = {
  requestId: string;
  traceparent: string /** For whoever we ask: the caller's trace, a span of ours. */;
};

export type Outcome = {
  status: number;
  body: Buffer;
  servedBy: Target | undefined;
  fallbackFrom: Target | undefined;
  /** `late`: the control answered, after a candidate would not have been waited for any more. */
  errorCode: string;
  headers: TargetAnswer['headers'];
  /**
   * What kept the candidate from being tried at all, or from answering, though it was not its fault. `ejected` also of
   * a randomised request of the control that the candidate would not have been tried for.
   */
  spared: 'ejected' | 'lease_expired' | undefined;
  /**
   * Milliseconds from the request's start until either arm would have told alike that it fails: what its own arm's
   * attempts took; the deadline, where one took longer than a candidate is waited for.
   */
  settledMs: number;
};

/**
 * Of what is left of the deadline, the part that a candidate is waited for: control needs the rest to answer for it.
 */
const CANDIDATES_PART = 0.6;
/** And the part for an address after which there is another. */
const NOT_THE_LAST_PART = 0.4;

export type AskerParts = {
  routes: RouteTable;
  targets: Targets;
  client: TargetClient;
  log: Logger;
  /** An API key for inference-workers; no other target sees it. */
  workerKey?: string | undefined;
};

/** Asks the targets of a request's version, then control's. */
export class Asker {
  private readonly parts: AskerParts;
  constructor(parts: AskerParts) {
    this.parts = parts;
  }

  /** @param deadline of all attempts together, by `performance.now()` */
  async ask(route: Route, assignment: Assignment, body: Buffer, ids: Ids, deadline: number): Promise<Outcome> {
    const assigned = assignment.arm === 'candidate' && route.candidate ? route.candidate : route.control;
    const canFallBack = assigned !== route.control && assignment.reason !== 'forced';
    let failure: TargetFault | undefined;
    let last: TargetAnswer | undefined;
    let tried = 0;
    let spared: Outcome['spared'];
    let isSlow = false;
    let settledMs = 0;
    // What a candidate would not have been waited for so long is no better of the control.
    const compared = assigned === route.control && route.candidate && assignment.reason === 'randomised';
    if (compared && route.candidate)
      spared = this.parts.targets.isOut(route.candidate, route.control) ? 'ejected' : undefined;
    for (const target of canFallBack ? [assigned, route.control] : [assigned]) {
      const final = target === route.control || !canFallBack;
      const beside = target === route.control ? route.candidate : route.control;
      const addresses = this.parts.targets.order(target, final, beside);
      if (addresses.length === 0 && !final) spared = 'ejected';
      for (const [i, address] of addresses.entries()) {
        const left = deadline - performance.now();
        if (left < 1) break;
        // No answer of a candidate that may not answer any more leaves, forced or not, and it is not asked again.
        const isBarred = () =>
          target !== route.control && barred(route, assignment.reason === 'forced', this.parts.routes);
        let why = isBarred();
        const part = left * (i < addresses.length - 1 ? NOT_THE_LAST_PART : 1);
        const share = final ? part : part * CANDIDATES_PART;
        const asked = performance.now();
        const answer = why ? undefined : await this.attempt(route, target, address, body, ids, share);
        if (answer) tried++;
        if (target === assigned) {
          // A candidate that hangs is given up sooner than a control: that is no earlier failure.
          isSlow ||= isTimeout(answer) || performance.now() - asked > part * CANDIDATES_PART;
          settledMs = isSlow ? route.timeout_ms : performance.now() - deadline + route.timeout_ms;
        }
        why ||= isBarred();
        if (why) {
          failure = new TargetFault(why, 'the candidate may not answer any more');
          last = undefined;
          if (why === 'lease_expired') spared = why;
          break;
        }
        if (!answer) continue;
        if (answer instanceof TargetFault) failure = answer;
        else if (isAnswer(answer))
          return {
            ...answer,
            servedBy: target,
            fallbackFrom: target === assigned ? undefined : assigned,
            errorCode:
              target === assigned
                ? answer.status >= 400
                  ? 'rejected'
                  : compared && performance.now() - asked > part * CANDIDATES_PART
                    ? 'late'
                    : ''
                : spared
                  ? ''
                  : errorCode(failure, last),
            spared,
            settledMs,
          };
        else last = answer;
      }
    }
    const code = tried === 0 && !failure ? 'no_target' : errorCode(failure, last);
    const problem = refusal(code, route, failure, last);
    problemsTotal.inc({ code: problem.code });
    return {
      status: problem.status,
      body: Buffer.from(JSON.stringify(problemDocument(problem, { requestId: ids.requestId, oip: true }))),
      servedBy: undefined,
      fallbackFrom: canFallBack ? assigned : undefined,
      errorCode: code,
      headers: { 'content-type': 'application/problem+json' },
      spared,
      settledMs,
    };
  }

  private async attempt(
    route: Route,
    target: Target,
    address: string,
    body: Buffer,
    { requestId, traceparent }: Ids,
    timeoutMs: number,
  ): Promise<TargetAnswer | TargetFault> {
    const key = targetKey(target, address);
    const { targets, client, log } = this.parts;
    const failed = (refused: boolean, why: string) => {
      if (!targets.failed(key, refused)) return;
      ejectionsTotal.inc({ endpoint: route.endpoint });
      log.warn({ target: key, why }, 'target ejected');
      // What still hangs there need not wait for its time to be up where another address can answer.
      if (target.addresses.length > 1) void client.reset(key);
    };
    try {
      const answer = await client.infer(
        key,
        address,
        `/v2/models/${target.model}/versions/${target.version}/infer`,
        body,
        {
          'content-type': 'application/json',
          'x-request-id': headerText(requestId),
          traceparent,
          ...workerHeaders(target, this.parts.workerKey),
        },
        Math.max(1, Math.ceil(timeoutMs)),
      );
      if (answer.status === 404) {
        // The route says that it serves the version: it has restarted and is still loading. Not the caller's fault.
        failed(true, 'does not have the version');
        return new TargetFault('connect', `${address} does not have ${formatVersion(target)}`);
      }
      if (answer.status === 401 || answer.status === 403) {
        // Nothing of the caller's own credentials goes there: it is for us to be let in.
        failed(false, `does not let this router in: status ${answer.status}`);
        return new TargetFault('broken', `${address} does not let this router in: status ${answer.status}`);
      }
      if (answer.status < 300 && !isObject(answer)) {
        failed(false, 'answered with what is no JSON object');
        return new TargetFault('garbage', `${address} answered ${answer.status} with what is no JSON object`);
      }
      if (isAnswer(answer)) targets.succeeded(key);
      // 503 is a queue that is full, not a model that is broken
      else if (answer.status !== 503) failed(false, `status ${answer.status}`);
      return answer;
    } catch (error) {
      if (!(error instanceof TargetFault)) throw error;
      if (error.code !== 'dropped' && error.code !== 'overloaded') failed(error.code === 'connect', error.message);
      return error;
    }
  }
}

const isTimeout = (answer: TargetAnswer | TargetFault | undefined): boolean =>
  answer instanceof TargetFault && answer.code === 'timeout';

/** A model answers, or refuses a request; a redirection is neither, whatever it says of itself. */
function isAnswer({ status }: TargetAnswer): boolean {
  return status < 300 || (status >= 400 && status < 500);
}

const OPENS = 0x7b;
const CLOSES = 0x7d;
const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Whether the body is, as far as its ends say, a JSON object, which an inference's answer is: no page, no archive. */
function isObject({ body, headers }: TargetAnswer): boolean {
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') return false;
  let first = 0;
  let last = body.length - 1;
  while (isSpace(body[first])) first++;
  while (last > first && isSpace(body[last])) last--;
  return body[first] === OPENS && body[last] === CLOSES;
}

function errorCode(failure: TargetFault | undefined, last: TargetAnswer | undefined): string {
  if (last) return last.status === 503 ? 'overloaded' : 'target_failed';
  if (failure?.code === 'garbage') return 'target_failed';
  const named = failure && ['timeout', 'withdrawn', 'lease_expired', 'overloaded'].includes(failure.code);
  return failure && named ? failure.code : 'no_target';
}

function refusal(
  code: string,
  route: Route,
  failure: TargetFault | undefined,
  last: TargetAnswer | undefined,
): ProblemError {
  const { endpoint, timeout_ms } = route;
  if (code === 'timeout')
    return new ProblemError('timeout', `no target of "${endpoint}" answered within ${timeout_ms} ms`);
  if (code === 'target_failed')
    return new ProblemError(
      'target_failed',
      `the model of "${endpoint}" ${last ? `answered with status ${last.status}` : 'gave no JSON object'}`,
    );
  return new ProblemError(
    code === 'overloaded' ? 'overloaded' : 'no_target',
    `no target of "${endpoint}" is able to answer now${failure ? `: ${failure.message}` : ''}`,
  );
}
