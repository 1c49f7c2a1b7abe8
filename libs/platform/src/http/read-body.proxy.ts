import type { IncomingMessage } from 'node:http';
import { ProblemError } from '@slipway/core';
import type { HeldBytes } from './byte-budget.ts';

/** A one-byte chunk takes a hundred times its length in memory, so this many chunks are joined at once. */
const MOST_CHUNKS = 1024;

/**
 * Reads the whole body of a request. Bytes beyond `maxBytes` are read and discarded, so that the refusal reaches the
 * caller.
 * @param timeoutMs milliseconds for the whole body to arrive
 * @param held received bytes are charged here chunk by chunk; an announced length alone takes nothing
 * @throws ProblemError too_large and overloaded as soon as the limit is exceeded; upload_timeout; invalid_request when
 * the caller disconnects
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
        new ProblemError('too_large', `the body may have at most ${maxBytes} bytes`, {
          errors: [{ field: '(body)', message: `the body is longer than ${maxBytes} bytes` }],
        }),
      );
    const overloaded = () =>
      refuse(new ProblemError('overloaded', 'the requests under way exceed the memory limit; try again later'));
    const declared = Number(req.headers['content-length'] ?? 0);
    if (declared > maxBytes) return tooLarge();
    if (held && !held.fits(declared)) return overloaded();
    const brokenOff = () =>
      refuse(new ProblemError('invalid_request', 'the connection was closed before the whole body had arrived'));
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
