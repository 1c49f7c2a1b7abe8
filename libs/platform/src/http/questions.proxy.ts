import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProblemError } from '@slipway/core';
import { answerQuestion, type Host, type Match, type Protocol } from '@slipway/protocol';
import type { CallerAccess } from '../access/caller-access.ts';
import { answerProblem, headerOf } from './listener.proxy.ts';

/** Paths that report only the health of the process, for load balancers. */
const HEALTH: ReadonlySet<Match['operation']> = new Set(['live', 'ready']);

/** Answers a question about the server or its models in the protocol of the request. */
export function answerAbout(
  req: IncomingMessage,
  res: ServerResponse,
  { protocol, match }: { protocol: Protocol; match: Exclude<Match, { operation: 'infer' }> },
  { host, access }: { host: Host; access: CallerAccess },
): void {
  try {
    if (!HEALTH.has(match.operation)) access.check(headerOf(req, 'authorization'));
    if (match.operation === 'refused') {
      answerProblem(res, match.problem, { protocol, headers: match.headers ?? {} });
      return;
    }
    const { status, headers, body } = answerQuestion(protocol, match, host);
    req.resume();
    res.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    answerProblem(res, error, { protocol });
  }
}
