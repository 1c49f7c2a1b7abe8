import type { IncomingHttpHeaders } from 'node:http';
import { type Duplex, finished, Transform } from 'node:stream';
import { ProblemError } from '@slipway/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { operationOf } from '../rest/operation.ts';
import { AllowedMethods } from './allowed-methods.ts';
import type { ByteBudget } from './byte-budget.ts';
import { answerFrameworkError } from './problem-filter.ts';

/** @throws ProblemError unsupported_media_type for a body that is compressed or encoded otherwise */
export function requireIdentity(headers: IncomingHttpHeaders): void {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new ProblemError('unsupported_media_type', `content-encoding: ${encoding} is not understood`);
}

const takesBytes = (request: FastifyRequest) => operationOf(request)?.body === 'bytes';

/** What an operation takes, in words. */
function takes(request: FastifyRequest): string {
  return takesBytes(request)
    ? 'the bytes as they are (content-type: application/octet-stream)'
    : 'JSON (content-type: application/json)';
}

/**
 * A request's body by way of `copy`, which may end early: what comes behind that is read and thrown away, so that the
 * refusal reaches its sender and the connection can be used again. A pipe that ends would pause the body, a pipeline
 * that fails would destroy it, and its sender would wait for ever.
 */
export function drained<T extends Duplex>(body: NodeJS.ReadableStream, copy: T): T {
  // Whoever reads the copy hears of it; of one that nobody reads nobody need.
  copy.on('error', () => undefined);
  finished(body, { writable: false }, (error) => error && copy.destroy(error));
  copy.once('close', () => {
    body.unpipe(copy);
    body.resume();
  });
  return body.pipe(copy);
}

/** Of a body that is read as a whole. */
const UPLOAD_TIMEOUT_MS = 30_000;

/**
 * Bodies that are read as a whole, and which nobody has been asked for a key yet: all that are under way together fit
 * into the budget, and each has to arrive within 30 s. Beyond: 503 and 408. Their bytes count until the answer is read.
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
          : next(new ProblemError('overloaded', 'too many bytes of requests are under way; send it again later')),
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
 * What is refused before a handler is looked for: a method that the path does not take (405 with `Allow`), an encoding
 * of the body, bytes where the operation takes JSON. Call it before routes are added.
 */
export function refuseEarly(fastify: FastifyInstance): void {
  const allowed = new AllowedMethods();
  fastify.addHook('onRoute', ({ url, method }) => allowed.add(url, method));
  fastify.addHook('onRequest', async (request, reply) => {
    try {
      requireIdentity(request.headers);
      const { 'content-length': length, 'content-type': type, 'transfer-encoding': transfer } = request.headers;
      // Many clients name the type of a body that they do not send.
      if (transfer === undefined && (length === undefined || length === '0')) delete request.headers['content-type'];
      else if (type?.startsWith('application/x-www-form-urlencoded'))
        throw new ProblemError('unsupported_media_type', `this is a form; send ${takes(request)}`);
      const methods = request.is404 ? allowed.of(request.url) : [];
      if (methods.length === 0 || methods.includes(request.method)) return undefined;
      void reply.header('allow', methods.join(', '));
      throw new ProblemError('method_not_allowed', `this path takes ${methods.join(', ')}; not ${request.method}`);
    } catch (error) {
      answerFrameworkError(error as Error, request, reply);
      return reply;
    }
  });
  fastify.addContentTypeParser('application/octet-stream', (request, payload, done) => {
    done(takesBytes(request) ? null : new ProblemError('unsupported_media_type', 'send JSON'), payload);
  });
  // Fastify would close the connection under a body that it does not take, and its sender would not read why: the rest
  // is read and thrown away instead, for as long as a request may take.
  fastify.addHook('onSend', async (request, reply, payload) => {
    if ([413, 503].includes(reply.statusCode) && !request.raw.complete) reply.removeHeader('connection');
    return payload;
  });
}
