import type { ServerResponse } from 'node:http';
import { HttpError } from './errors.ts';

/** Results up to this size are always sent. */
const SMALL = 1_000_000;

/**
 * Results waiting in memory for slow clients: their total size is limited, and a client that has read nothing for half
 * a minute is disconnected.
 */
export class Unsent {
  private bytes = 0;
  private readonly most: number;
  private readonly stalledMs: number;

  /** @param most limit on all waiting bytes; `stalledMs` is how long a client may read nothing */
  constructor(most = 1_200_000_000, stalledMs = 30_000) {
    this.most = most;
    this.stalledMs = stalledMs;
  }

  /** Counts a result until its response has ended. @throws HttpError 503 when too much is waiting already */
  hold(size: number, res: ServerResponse): void {
    if (size > SMALL && this.bytes + size > this.most)
      throw new HttpError(503, '202', 'TOO_MANY_BYTES', 'too many large results wait for clients to read them', 5);
    if (res.destroyed) return;
    this.bytes += size;
    res.setTimeout(this.stalledMs, () => res.destroy());
    res.once('close', () => {
      this.bytes -= size;
    });
  }
}
