import type { IncomingHttpHeaders } from 'node:http';
import { type Duplex, finished, Transform } from 'node:stream';
import { ProblemError } from '@slipway/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { operationOf } from '../rest/operation.ts';
import { AllowedMethods } from './allowed-methods.ts';
import type { ByteBudget } from './byte-budget.ts';
import { answerFrameworkError } from './problem-filter.ts';

/** @throws ProblemError unsupported_media_type for a body with a content encoding */
export function requireIdentity(headers: IncomingHttpHeaders): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new ProblemError('unsupported_media_type', `content-encoding: ${encoding} is not supported`);
}

const takesBytes = (request: FastifyRequest) => operationOf(request)?.body === 'bytes';

/** The media type that an operation takes, for error messages. */
function takes(request: FastifyRequest): string {
  return takesBytes(request)
    ? 'raw bytes (content-type: application/octet-stream)'
    : 'JSON (content-type: application/json)';
}

/**
 * Passes a request's body on through `copy`, which may end early. The rest is then read and discarded, so that the
 * refusal reaches the caller and the connection can be reused. (A pipe that ends would pause the body, and a pipeline
 * that fails would destroy it; in both cases the caller would wait for ever.)
 */
export function drained<T extends Duplex>(body: NodeJS.ReadableStream, copy: T): T {
  // The reader of the copy gets this error; without a reader it may be ignored.
  copy.on('error', () => undefined);
  finished(body, { writable: false }, (error) => error && copy.destroy(error));
  copy.once('close', () => {
    body.unpipe(copy);
    body.resume();
  });
  return body.pipe(copy);
}

/** Limits for bodies that are buffered whole. */
const UPLOAD_TIMEOUT_MS = 30_000;

/**
 * Limits buffered bodies of callers that have not been authenticated yet: all that are under way together must fit into
 * the budget (else 503), and each must arrive within 30 s (else 408). The bytes count until the response has been sent.
 */
export function boundBodies(fastify: FastifyInstance, bytes: ByteBudget, timeoutMs = UPLOAD_TIMEOUT_MS): void {
  fastify.addHook('preParsing', (request, reply, payload, done) => {
    const { headers } = request;
    const isEmpty = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
    if (isEmpty || takesBytes(request)) return done(null, payload);
    const held = bytes.hold();
    const counted = new Transform({
      transform: (chunk: Buffer, _, next) =>
        held.take(chunk.length)
          ? next(null, chunk)
          : next(new ProblemError('overloaded', 'the requests under way exceed the memory limit; try again later')),
    });
    const timer = setTimeout(
      () => counted.destroy(new ProblemError('upload_timeout', `the body did not arrive within ${timeoutMs} ms`)),
      timeoutMs,
    );
    counted.once('close', () => clearTimeout(timer));
    reply.raw.once('close', () => {
      held.release();
      counted.destroy();
    });
    done(null, drained(payload, counted));
  });
}

/**
 * Refuses requests before routing: a method that the path does not allow (405 with `Allow`), an encoded body, or bytes
 * where the operation takes JSON. Call it before routes are added.
 */
export function refuseEarly(fastify: FastifyInstance): void {
  const allowed = new AllowedMethods();
  fastify.addHook('onRoute', ({ url, method }) => allowed.add(url, method));
  fastify.addHook('onRequest', async (request, reply) => {
    try {
      requireIdentity(request.headers);
      const { 'content-length': length, 'content-type': type, 'transfer-encoding': transfer } = request.headers;
      // Many clients send a content type without a body.
      if (transfer === undefined && (length === undefined || length === '0')) delete request.headers['content-type'];
      else if (type?.startsWith('application/x-www-form-urlencoded'))
        throw new ProblemError('unsupported_media_type', `the body is a form; send ${takes(request)}`);
      const methods = request.is404 ? allowed.of(request.url) : [];
      if (methods.length === 0 || methods.includes(request.method)) return undefined;
      void reply.header('allow', methods.join(', '));
      throw new ProblemError('method_not_allowed', `this path allows ${methods.join(', ')}, not ${request.method}`);
    } catch (error) {
      answerFrameworkError(error as Error, request, reply);
      return reply;
    }
  });
  fastify.addContentTypeParser('application/octet-stream', (request, payload, done) => {
    done(takesBytes(request) ? null : new ProblemError('unsupported_media_type', 'send JSON'), payload);
  });
  // Fastify would close the connection while the body is still arriving, and the caller would not get the refusal. The
  // rest is read and discarded instead, within the time limit of a request.
  fastify.addHook('onSend', async (request, reply, payload) => {
    if ([413, 503].includes(reply.statusCode) && !request.raw.complete) reply.removeHeader('connection');
    return payload;
  });
}
