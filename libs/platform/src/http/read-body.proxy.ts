import type { IncomingMessage } from 'node:http';
import { ProblemError } from '@slipway/core';
import type { HeldBytes } from './byte-budget.ts';

/** Chunks of one byte take a hundred times their length in memory: so many are joined at once. */
const MOST_CHUNKS = 1024;

/**
 * The whole body of a request, of at most `maxBytes`; what comes beyond is read and thrown away, so that the refusal
 * reaches its caller.
 * @param timeoutMs for all of it to arrive
 * @param held what is read counts there, chunk by chunk: who only says that much will come holds nothing
 * @throws ProblemError too_large and overloaded, as soon as it is known; upload_timeout; invalid_request when the
 * caller breaks off
 */
export function readBody(req: IncomingMessage, maxBytes: number, timeoutMs: number, held?: HeldBytes): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let chunks: Buffer[] = [];
    let length = 0;
    let refused = false;
    const timer = setTimeout(
      () => refuse(new ProblemError('upload_timeout', `the body did not arrive within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const refuse = (problem: ProblemError) => {
      refused = true;
      clearTimeout(timer);
      parts.length = chunks.length = 0;
      held?.release();
      req.resume();
      reject(problem);
    };
    const tooLarge = () =>
      refuse(
        new ProblemError('too_large', `the body may have ${maxBytes} bytes`, {
          errors: [{ field: '(body)', message: `is longer than ${maxBytes} bytes` }],
        }),
      );
    const overloaded = () =>
      refuse(new ProblemError('overloaded', 'too many bytes of requests are under way; send it again later'));
    const declared = Number(req.headers['content-length'] ?? 0);
    if (declared > maxBytes) return tooLarge();
    if (held && !held.fits(declared)) return overloaded();
    const brokenOff = () => refuse(new ProblemError('invalid_request', 'the request was broken off'));
    req.on('data', (chunk: Buffer) => {
      if (refused) return;
      length += chunk.length;
      if (length > maxBytes) tooLarge();
      else if (held && !held.take(chunk.length)) overloaded();
      else if (chunks.push(chunk) === MOST_CHUNKS) {
        parts.push(Buffer.concat(chunks));
        chunks = [];
      }
    });
    req.on('end', () => {
      clearTimeout(timer);
      parts.push(...chunks);
      resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
    });
    req.on('error', brokenOff);
    req.on('aborted', brokenOff);
  });
}
