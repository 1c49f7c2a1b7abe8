import type { IncomingMessage } from 'node:http';
import { ProblemError } from '@slipway/contracts';

/**
 * The whole body of a request, of at most `maxBytes`; what comes beyond is read and thrown away, so that the refusal
 * reaches its caller.
 * @throws ProblemError too_large, as soon as it is known; invalid_request when the caller breaks off
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = () =>
      reject(
        new ProblemError('too_large', `the body may have ${maxBytes} bytes`, {
          errors: [{ field: '(body)', message: `is longer than ${maxBytes} bytes` }],
        }),
      );
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      req.resume();
      tooLarge();
      return;
    }
    const brokenOff = () => reject(new ProblemError('invalid_request', 'the request was broken off'));
    const chunks: Buffer[] = [];
    let length = 0;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        chunks.length = 0;
        tooLarge();
      } else chunks.push(chunk);
    });
    req.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    req.on('error', brokenOff);
    req.on('aborted', brokenOff);
  });
}
