import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { StreamedBody } from '@slipway/platform';
import type { Streamed } from './streamed.ts';

/**
 * Sends an answer on as it arrives, no faster than its caller reads. The head has been written; the response is not
 * ended here, because its row must be written first.
 * @param mostBytes limit on the bytes that are kept
 */
export async function passOn(
  first: Buffer,
  rest: StreamedBody,
  res: ServerResponse,
  mostBytes: number,
): Promise<Streamed> {
  const kept: Buffer[] = [];
  const hash = createHash('sha256');
  let bytes = 0;
  const left = new Promise<'left'>((resolve) => res.once('close', () => resolve('left')));
  const drained = () => new Promise<void>((resolve) => res.once('drain', resolve));
  const send = async (piece: Buffer) => {
    const room = Math.max(0, mostBytes - bytes);
    if (room > 0) kept.push(piece.subarray(0, room));
    bytes += piece.length;
    hash.update(piece);
    if (!res.write(piece)) await Promise.race([drained(), left]);
  };
  const done = (ended: Streamed['ended']): Streamed => ({
    kept: Buffer.concat(kept),
    bytes,
    digest: hash.digest('hex'),
    ended,
  });
  try {
    await send(first);
    for (;;) {
      if (res.destroyed) return done('left');
      const piece = await Promise.race([rest.next(), left]);
      if (piece === 'left') return done('left');
      if (piece.done) return done('');
      await send(piece.value);
    }
  } catch {
    return done(res.destroyed ? 'left' : 'broken');
  } finally {
    rest.close();
  }
}
