import type { StreamDetector, StreamState } from './detector.ts';

/**
 * DDM (Gama et al. 2004) on error bits: the error rate and its deviation against their minimum so far. Gives no signal
 * for a stream without deviation.
 */
export class Ddm implements StreamDetector {
  private readonly o: { warmStart: number; warning: number; drift: number };
  private n = 0;
  private p = 0;
  private best: { p: number; s: number; sum: number } | undefined;

  constructor(options: Partial<Ddm['o']> = {}) {
    this.o = { warmStart: 30, warning: 2, drift: 3, ...options };
  }

  update(x: number): StreamState {
    this.n++;
    this.p += (x - this.p) / this.n;
    const s = Math.sqrt((this.p * (1 - this.p)) / this.n);
    if (this.n <= this.o.warmStart) return { drift: false, warning: false };
    if (!this.best || this.p + s <= this.best.sum) this.best = { p: this.p, s, sum: this.p + s };
    const { best } = this;
    const beyond = (k: number) => this.p + s > best.p + k * best.s;
    const drift = best.s > 0 && beyond(this.o.drift);
    const warning = best.s > 0 && beyond(this.o.warning);
    if (drift) {
      this.n = 0;
      this.p = 0;
      this.best = undefined;
    }
    return { drift, warning };
  }
}

/** EDDM (Baena-García et al. 2006): the distance between errors against its maximum so far. */
export class Eddm implements StreamDetector {
  private readonly o: { warmStart: number; alpha: number; beta: number };
  private since = 0;
  private errors = 0;
  private mean = 0;
  private m2 = 0;
  private most = Number.NEGATIVE_INFINITY;
  private last = 0;

  constructor(options: Partial<Eddm['o']> = {}) {
    this.o = { warmStart: 30, alpha: 0.95, beta: 0.9, ...options };
  }

  update(x: number): StreamState {
    this.since++;
    if (x !== 1) return { drift: false, warning: false };
    const distance = this.since - this.last;
    this.last = this.since;
    this.errors++;
    const before = this.mean;
    this.mean += (distance - before) / this.errors;
    this.m2 += (distance - before) * (distance - this.mean);
    const sd = this.errors > 1 ? Math.sqrt(this.m2 / (this.errors - 1)) : 0;
    const level = this.mean + 2 * sd;
    if (this.since <= this.o.warmStart) return { drift: false, warning: false };
    if (level > this.most) {
      this.most = level;
      return { drift: false, warning: false };
    }
    if (this.errors <= this.o.warmStart) return { drift: false, warning: false };
    const ratio = level / this.most;
    const drift = ratio < this.o.beta;
    if (drift) {
      this.since = 0;
      this.errors = 0;
      this.mean = 0;
      this.m2 = 0;
      this.most = Number.NEGATIVE_INFINITY;
      this.last = 0;
    }
    return { drift, warning: !drift && ratio < this.o.alpha };
  }
}
