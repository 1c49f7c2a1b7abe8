import type { Target } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';
import type { Protocol } from '@slipway/protocol';
import { type Attempt, type Ejections, type Said, TargetFault, type Tried } from '@slipway/routing';
import { headerText } from '../http/listener.proxy.ts';
import type { Logger } from '../process/log.ts';
import type { TargetAnswer, TargetClient } from './target.client.ts';

/** A question, independent of the target. */
export type TargetRequest = {
  endpoint: string;
  protocol: Protocol;
  body: Buffer;
  requestId: string;
  /** W3C trace headers for the target (the caller's trace, a span of ours); empty for none. */
  traceparent: string;
  /** Additional headers, such as credentials, which only the targets of this version get. */
  headers: (target: Target) => Record<string, string>;
  /** A longer answer is refused. */
  mostBytes?: number;
  /** Return the whole answer at once, even if the protocol would stream it. */
  whole?: boolean;
};

export type Answer = Said & TargetAnswer;

export type AskerParts = {
  ejections: Ejections;
  client: TargetClient;
  log: Logger;
  /** Called when a target of the endpoint was ejected. */
  onEjected: (endpoint: string) => void;
};

/** Asks targets one after the other and keeps track of their failures, for the router and for the shadow lane. */
export class Asker {
  private readonly parts: AskerParts;
  constructor(parts: AskerParts) {
    this.parts = parts;
  }

  /**
   * Makes the attempts in order until one is answered, the deadline has passed, or the version may not answer any more.
   * @param deadline of all attempts together, by `performance.now()`
   * @param mayNot why the version may not answer now, checked before and after each attempt
   * @returns the result of each attempt; only the last one may be an answer
   */
  async follow(
    attempts: readonly Attempt[],
    request: TargetRequest,
    deadline: number,
    mayNot: (target: Target) => 'withdrawn' | 'lease_expired' | undefined = () => undefined,
  ): Promise<Tried<Answer>[]> {
    const tried: Tried<Answer>[] = [];
    for (const attempt of attempts) {
      const from = performance.now();
      if (deadline - from < 1) break;
      if (attempt.probe) this.parts.ejections.claim(attempt.key);
      let why = mayNot(attempt.target);
      const said = why ? undefined : await this.ask(attempt, request, (deadline - from) * attempt.share);
      why ||= mayNot(attempt.target);
      const to = performance.now();
      if (why) {
        // The answer of a candidate that may not answer any more is discarded, and it is not asked again.
        if (said && !(said instanceof TargetFault)) said.rest?.close();
        const fault = new TargetFault(why, 'the candidate may not answer any more');
        tried.push({ attempt, from, to, deadline, said: fault });
        break;
      }
      if (!said) continue;
      tried.push({ attempt, from, to, deadline, said });
      if (!(said instanceof TargetFault) && said.verdict === 'answered') break;
    }
    return tried;
  }

  private async ask(attempt: Attempt, request: TargetRequest, ms: number): Promise<Answer | TargetFault> {
    const { key, address, target } = attempt;
    const { ejections, client } = this.parts;
    const { protocol, requestId, traceparent, mostBytes } = request;
    const { method, path, headers: own, body } = protocol.rewrite(request.body, target);
    const headers: Record<string, string> = { ...own, 'x-request-id': headerText(requestId) };
    if (traceparent) headers['traceparent'] = traceparent;
    Object.assign(headers, request.headers(target));
    const failed = (refused: boolean, why: string) => this.failed(attempt, request.endpoint, refused, why);
    try {
      const timeoutMs = Math.max(1, Math.ceil(ms));
      const streams = request.whole ? never : protocol.streams;
      const answer = await client.ask(key, address, { method, path, headers, body }, { timeoutMs, mostBytes, streams });
      const verdict = protocol.verdict(answer);
      if (verdict === 'answered') {
        ejections.succeeded(key);
        return Object.assign(answer, { verdict });
      }
      answer.rest?.close();
      switch (verdict) {
        case 'missing':
          // Of an inference-worker the registry knows that it has the version: it has started anew, and is loading it.
          if (target.workers) {
            failed(true, 'does not have the version yet');
            return new TargetFault('connect', `${address} does not have ${formatVersion(target)} yet`);
          }
          // A server of somebody else says for itself what it has: this is how the version answers.
          failed(false, `does not have the version: status ${answer.status}`);
          return { ...answer, verdict: 'failed' };
        case 'barred':
          failed(false, `refused our credentials: status ${answer.status}`);
          return new TargetFault('broken', `${address} refused our credentials: status ${answer.status}`);
        case 'garbage':
          failed(false, 'gave a response that is not an answer of a model');
          return new TargetFault(
            'garbage',
            `${address} responded with status ${answer.status} and a body that is not an answer of a model`,
          );
        case 'failed':
          failed(false, `status ${answer.status}`);
          return { ...answer, verdict };
        case 'busy':
          return { ...answer, verdict };
      }
    } catch (error) {
      if (!(error instanceof TargetFault)) throw error;
      // A limit on our side, not a fault of the target.
      if (!OURS.has(error.code)) failed(error.code === 'connect', error.message);
      return error;
    }
  }

  private failed({ key, target }: Attempt, endpoint: string, refused: boolean, why: string): void {
    if (!this.parts.ejections.failed(key, refused)) return;
    this.parts.onEjected(endpoint);
    this.parts.log.warn({ target: key, why }, 'target ejected');
    // Requests that still hang there need not wait for their timeout when another address can answer.
    if (target.addresses.length > 1) void this.parts.client.reset(key);
  }
}

const never = () => false;
const OURS: ReadonlySet<TargetFault['code']> = new Set(['dropped', 'overloaded']);
