import type { LatencyQuantiles } from '@slipway/stats';

/** Counts of each latency in whole microseconds: exact quantiles of data that can also be removed. */
export class Answers {
  private readonly counts = new Map<number, number>();
  private answers = 0;

  add(latencyUs: number, sign: 1 | -1): void {
    const n = (this.counts.get(latencyUs) ?? 0) + sign;
    if (n === 0) this.counts.delete(latencyUs);
    else this.counts.set(latencyUs, n);
    this.answers += sign;
  }

  /** p50, p90 and p99: the values at these fractions of the ordered list. Null without data. */
  quantiles(): LatencyQuantiles | null {
    const { answers } = this;
    if (answers === 0) return null;
    const values = Float64Array.from(this.counts.keys()).sort();
    let [i, below] = [0, 0];
    const at = (level: number) => {
      const rank = Math.min(answers - 1, Math.floor(level * answers));
      while (below + (this.counts.get(values[i] as number) as number) <= rank)
        below += this.counts.get(values[i++] as number) as number;
      return values[i] as number;
    };
    return { answers, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
  }
}
