import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { ProblemError, problemDocument, type ProblemCode } from '@slipway/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isTransient } from '../process/faults.ts';
import type { Logger } from '../process/log.ts';
import { problemsTotal } from '../process/metrics.ts';

const BY_STATUS: Record<number, ProblemCode> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  415: 'unsupported_media_type',
};

/**
 * Any error as the problem that a caller may see: expected refusals as they are, everything else as `internal` without
 * its text.
 */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isTransient(error))
    return new ProblemError('unavailable', 'what this needs is away for the moment; try again', { cause: error });
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  // Nest hides Fastify's code behind an HttpException of its own.
  if (
    code === 'FST_ERR_CTP_INVALID_JSON_BODY' ||
    error instanceof SyntaxError ||
    /^Body (is not valid JSON|cannot be empty)/.test(message ?? '')
  )
    return new ProblemError('malformed_json', message ?? 'the body is not JSON');
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  // Whatever else the framework refuses (a path parameter that is too long: 414) is the request's fault, not ours.
  const refused = status !== undefined && status >= 400 && status < 500;
  const known = status === undefined ? undefined : (BY_STATUS[status] ?? (refused ? 'invalid_request' : undefined));
  return known
    ? new ProblemError(known, message ?? '')
    : new ProblemError('internal', 'something failed on our side; the log has the details', { cause: error });
}

/** What Fastify refuses before Nest sees it: a path that does not decode, and the like. */
export function answerFrameworkError(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error);
  problemsTotal.inc({ code: problem.code });
  send(problem, reply);
}

function send(problem: ProblemError, reply: FastifyReply): void {
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problemDocument(problem)));
}

/** The one error filter: RFC 9457 problem documents, never a stack trace; each is counted. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log: Logger;
  constructor(log: Logger) {
    this.log = log;
  }
  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const problem = toProblem(error);
    problemsTotal.inc({ code: problem.code });
    if (problem.code === 'internal')
      this.log.error({ err: error, method: request.method, url: request.url }, 'request failed');
    else if (problem.cause !== undefined)
      this.log.warn({ err: problem.cause, method: request.method, url: request.url }, 'request not answered');
    if (!reply.sent) send(problem, reply);
  }
}
