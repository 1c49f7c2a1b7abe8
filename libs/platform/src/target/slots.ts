import type { EventEmitter } from 'node:events';

type Waiter = { start: () => void; fail: (error: Error) => void };

/** A number of places with a bounded first-come, first-served queue. */
export class Slots {
  private free: number;
  private readonly places: number;
  private readonly maxWaiting: number;
  private readonly queue = new Set<Waiter>();
  private closed: Error | undefined;

  constructor(places: number, maxWaiting: number) {
    this.free = places;
    this.places = places;
    this.maxWaiting = maxWaiting;
  }

  /** Whether no place is taken and nobody waits. */
  get idle(): boolean {
    return this.free === this.places;
  }

  /**
   * Takes a place, immediately or when one is released.
   * @param ended emits `abort` to stop waiting
   * @param full makes the error for a full queue
   * @throws `full()`; the error passed to `close`; an error when `ended` aborts
   */
  async take(ended: EventEmitter, full: () => Error): Promise<void> {
    if (this.closed) throw this.closed;
    if (this.free > 0) {
      this.free--;
      return;
    }
    if (this.queue.size >= this.maxWaiting) throw full();
    await new Promise<void>((resolve, reject) => {
      const leave = () => waiter.fail(new Error('the wait for a place was aborted'));
      const settled = (settle: () => void) => {
        this.queue.delete(waiter);
        ended.off('abort', leave);
        settle();
      };
      const waiter: Waiter = { start: () => settled(resolve), fail: (error) => settled(() => reject(error)) };
      this.queue.add(waiter);
      ended.once('abort', leave);
    });
  }

  /** Releases a place to the next in the queue. */
  give(): void {
    const [next] = this.queue;
    if (next) next.start();
    else this.free++;
  }

  /** Everyone who waits now or calls `take` later gets the error. */
  close(error: Error): void {
    this.closed = error;
    for (const waiter of [...this.queue]) waiter.fail(error);
  }
}
