import type { EventEmitter } from 'node:events';

type Waiter = { start: () => void; fail: (error: Error) => void };

/** A number of places, and a bounded queue in front of them: first come, first served. */
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

  /** Nobody has a place or waits for one. */
  get idle(): boolean {
    return this.free === this.places;
  }

  /**
   * Takes a place, now or when one is given back. @param ended emits `abort` to end the waiting @param full the error
   * when the queue is full
   * @throws `full()`; what `close` was given; an error when `ended`
   */
  async take(ended: EventEmitter, full: () => Error): Promise<void> {
    if (this.closed) throw this.closed;
    if (this.free > 0) {
      this.free--;
      return;
    }
    if (this.queue.size >= this.maxWaiting) throw full();
    await new Promise<void>((resolve, reject) => {
      const leave = () => waiter.fail(new Error('the waiting was ended'));
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

  /** Gives a place back; the next in the queue has it. */
  give(): void {
    const [next] = this.queue;
    if (next) next.start();
    else this.free++;
  }

  /** Whoever waits, or comes later, gets the error. */
  close(error: Error): void {
    this.closed = error;
    for (const waiter of [...this.queue]) waiter.fail(error);
  }
}
