/** A number in [0, 1) at each call; the same sequence for the same seed (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * A fair sample of a stream of unknown length: each item has the same chance to be in it (Vitter 1985, algorithm R).
 * The same items and seed give the same sample. When its items exceed `mostBytes`, some are dropped at random, and the
 * sample stays that small and fair.
 */
export class FairSample<T> {
  private readonly draw: () => number;
  private readonly items: { value: T; bytes: number }[] = [];
  private capacity: number;
  private readonly mostBytes: number;
  private bytes = 0;
  /** The number of items so far. */
  offered = 0;

  constructor(seed: number, capacity: number, mostBytes: number) {
    this.draw = uniform(seed);
    this.capacity = capacity;
    this.mostBytes = mostBytes;
  }

  /** @param item makes the item; called only when it gets into the sample */
  offer(item: () => { value: T; bytes: number }): void {
    this.offered++;
    if (this.items.length < this.capacity) {
      const taken = item();
      this.items.push(taken);
      this.bytes += taken.bytes;
    } else {
      const at = Math.floor(this.draw() * this.offered);
      if (at >= this.capacity) return;
      const taken = item();
      this.bytes += taken.bytes - (this.items[at]?.bytes ?? 0);
      this.items[at] = taken;
    }
    // One large item alone is kept: it was drawn like any other.
    while (this.bytes > this.mostBytes && this.items.length > 1) this.drop();
  }

  private drop(): void {
    const at = Math.floor(this.draw() * this.items.length);
    this.bytes -= this.items[at]?.bytes ?? 0;
    const last = this.items.pop();
    if (last && at < this.items.length) this.items[at] = last;
    this.capacity = this.items.length;
  }

  get values(): T[] {
    return this.items.map((i) => i.value);
  }
}
