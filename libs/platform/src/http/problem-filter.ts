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
 * Converts any error into a problem document: expected refusals unchanged, everything else as `internal` without the
 * error's text.
 */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isTransient(error))
    return new ProblemError('unavailable', 'a store that this operation needs is not available; try again', {
      cause: error,
    });
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  // Nest wraps Fastify's error code in an HttpException.
  if (
    code === 'FST_ERR_CTP_INVALID_JSON_BODY' ||
    error instanceof SyntaxError ||
    /^Body (is not valid JSON|cannot be empty)/.test(message ?? '')
  )
    return new ProblemError('malformed_json', message ?? 'the body is not JSON');
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  // Anything else that the framework refuses (such as 414 for a long path parameter) is an error of the request, not of
  // the service.
  const refused = status !== undefined && status >= 400 && status < 500;
  const known = status === undefined ? undefined : (BY_STATUS[status] ?? (refused ? 'invalid_request' : undefined));
  return known
    ? new ProblemError(known, message ?? '')
    : new ProblemError('internal', "internal error; the service's log has the details", { cause: error });
}

/** Fastify refuses some requests before Nest sees them, such as a path that cannot be decoded. */
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

/** The error filter of every service: RFC 9457 problem documents, never a stack trace. Each is counted. */
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
      this.log.warn({ err: problem.cause, method: request.method, url: request.url }, 'request failed');
    if (!reply.sent) send(problem, reply);
  }
}
