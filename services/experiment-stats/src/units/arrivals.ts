import type { Exposure } from './unit.ts';

type Service = { answered: number; latest: number /** Arrivals since it answered. */; ejected: number[] };

/** When a rollout and its steps began, and whether the candidate serves: milliseconds, Kafka's clock. */
export class Arrivals {
  private began = Number.POSITIVE_INFINITY;
  private readonly steps = new Map<number, number>();
  private readonly service = new Map<number, Service>();

  /** Rows that had not been seen before. */
  add(rows: readonly Exposure[]): void {
    for (const row of rows) {
      this.began = Math.min(this.began, row.arrived);
      this.steps.set(row.step, Math.min(this.steps.get(row.step) ?? row.arrived, row.arrived));
      if (row.arm === 'candidate') this.serve(row);
    }
  }

  private serve({ step, arrived, ejected, failed }: Exposure): void {
    const of = this.service.get(step) ?? { answered: 0, latest: 0, ejected: [] };
    this.service.set(step, of);
    of.latest = Math.max(of.latest, arrived);
    if (arrived <= of.answered) return;
    if (!failed) {
      of.answered = arrived;
      of.ejected = of.ejected.filter((at) => at > arrived);
    } else if (ejected) of.ejected.push(arrived);
  }

  /** The first exposure, and the step's first; `now` while there is none. */
  times(step: number, now: number): { began: number; stepBegan: number } {
    return { began: Number.isFinite(this.began) ? this.began : now, stepBegan: this.steps.get(step) ?? now };
  }

  /**
   * For how many seconds the candidate has answered nothing itself in a step, or since that was resumed: from the first
   * request that was ejected after its last answer to its latest request. 0 while it serves.
   */
  outOfService(step: number, resumed: number): number {
    const of = this.service.get(step);
    if (!of) return 0;
    const since = Math.max(of.answered, resumed);
    const ejected = of.ejected.filter((at) => at > since);
    return ejected.length === 0 ? 0 : (of.latest - ejected.reduce((a, b) => Math.min(a, b))) / 1000;
  }
}
