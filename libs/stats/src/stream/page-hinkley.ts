import type { StreamDetector, StreamState } from './detector.ts';

export type PageHinkleyOptions = {
  minInstances?: number;
  delta?: number;
  threshold?: number;
  alpha?: number;
  mode?: 'up' | 'down' | 'both';
};

/**
 * Page–Hinkley, optionally two-sided: decayed sums of deviations from the running mean, against their running extreme.
 */
export class PageHinkley implements StreamDetector {
  private readonly o: Required<PageHinkleyOptions>;
  private n = 0;
  private mean = 0;
  private up = 0;
  private down = 0;
  private leastUp = Number.POSITIVE_INFINITY;
  private mostDown = Number.NEGATIVE_INFINITY;

  constructor(options: PageHinkleyOptions = {}) {
    this.o = { minInstances: 30, delta: 0.005, threshold: 50, alpha: 0.9999, mode: 'both', ...options };
  }

  private reset(): void {
    this.n = 0;
    this.mean = 0;
    this.up = 0;
    this.down = 0;
    this.leastUp = Number.POSITIVE_INFINITY;
    this.mostDown = Number.NEGATIVE_INFINITY;
  }

  update(x: number): StreamState {
    const { minInstances, delta, threshold, alpha, mode } = this.o;
    this.n++;
    this.mean += (x - this.mean) / this.n;
    const d = x - this.mean;
    this.up = alpha * this.up + d - delta;
    this.down = alpha * this.down + d + delta;
    this.leastUp = Math.min(this.leastUp, this.up);
    this.mostDown = Math.max(this.mostDown, this.down);
    const risen = this.up - this.leastUp > threshold;
    const fallen = this.mostDown - this.down > threshold;
    const drift = this.n >= minInstances && ((mode !== 'down' && risen) || (mode !== 'up' && fallen));
    if (drift) this.reset();
    return { drift, warning: false };
  }
}
