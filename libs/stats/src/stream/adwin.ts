import type { StreamDetector, StreamState } from './detector.ts';

export type AdwinOptions = {
  delta?: number;
  clock?: number;
  maxBuckets?: number;
  minWindowLength?: number;
  gracePeriod?: number /** Start again after a drift, instead of keeping the rest of the window. */;
  resetAfterDrift?: boolean;
};
/** Sum and Σ(x − mean)² of 2^level values. */
type Bucket = { sum: number; m2: number };

/**
 * ADWIN2 (Bifet and Gavaldà 2007): an exponential histogram of the window; every bucket is tried as a cut, and the
 * older side is dropped where the means differ beyond the bound.
 */
export class Adwin implements StreamDetector {
  private readonly o: Required<AdwinOptions>;
  /** rows[level]: newest first. */
  private rows: Bucket[][] = [[]];
  private width = 0;
  private sum = 0;
  private m2 = 0;
  private ticks = 0;

  constructor(options: AdwinOptions = {}) {
    this.o = {
      delta: 0.002,
      clock: 32,
      maxBuckets: 5,
      minWindowLength: 5,
      gracePeriod: 10,
      resetAfterDrift: true,
      ...options,
    };
  }

  update(x: number): StreamState {
    this.ticks++;
    if (this.width > 0) this.m2 += (this.width * (x - this.sum / this.width) ** 2) / (this.width + 1);
    this.width++;
    this.sum += x;
    (this.rows[0] as Bucket[]).unshift({ sum: x, m2: 0 });
    this.compress();
    const drift = this.cut();
    if (drift && this.o.resetAfterDrift) {
      this.rows = [[]];
      this.width = 0;
      this.sum = 0;
      this.m2 = 0;
      this.ticks = 0;
    }
    return { drift, warning: false };
  }

  private compress(): void {
    for (let level = 0; (this.rows[level] as Bucket[]).length > this.o.maxBuckets; level++) {
      const row = this.rows[level] as Bucket[];
      const [newer, older] = row.splice(row.length - 2, 2) as [Bucket, Bucket];
      const n = 2 ** level;
      const d = newer.sum / n - older.sum / n;
      this.rows[level + 1] ??= [];
      (this.rows[level + 1] as Bucket[]).unshift({
        sum: newer.sum + older.sum,
        m2: newer.m2 + older.m2 + (n * n * d * d) / (2 * n),
      });
    }
  }

  private dropOldest(): number {
    const level = this.rows.findLastIndex((r) => r.length > 0);
    const bucket = (this.rows[level] as Bucket[]).pop() as Bucket;
    const n = 2 ** level;
    this.width -= n;
    this.sum -= bucket.sum;
    const d = bucket.sum / n - this.sum / this.width;
    this.m2 -= bucket.m2 + (n * this.width * d * d) / (n + this.width);
    return n;
  }

  private cut(): boolean {
    const { clock, minWindowLength, gracePeriod } = this.o;
    if (this.ticks % clock !== 0 || this.width <= gracePeriod) return false;
    let changed = false;
    for (let again = true; again; ) {
      again = false;
      let [n0, sum0] = [0, 0];
      let [n1, sum1] = [this.width, this.sum];
      search: for (let level = this.rows.length - 1; level >= 0; level--) {
        const row = this.rows[level] as Bucket[];
        for (let i = row.length - 1; i >= 0; i--) {
          const n = 2 ** level;
          const { sum } = row[i] as Bucket;
          n0 += n;
          n1 -= n;
          sum0 += sum;
          sum1 -= sum;
          if (level === 0 && i === 0) break search;
          if (n0 >= minWindowLength && n1 >= minWindowLength && this.differ(n0, n1, sum0 / n0 - sum1 / n1)) {
            again = true;
            changed = true;
            if (this.width > 0) this.dropOldest();
            break search;
          }
        }
      }
    }
    return changed;
  }

  private differ(n0: number, n1: number, difference: number): boolean {
    const { delta, minWindowLength } = this.o;
    const logs = Math.log((2 * Math.log(this.width)) / delta);
    const m = 1 / (n0 - minWindowLength + 1) + 1 / (n1 - minWindowLength + 1);
    const epsilon = Math.sqrt(2 * m * (this.m2 / this.width) * logs) + (2 / 3) * m * logs;
    return Math.abs(difference) > epsilon;
  }
}
