import type { StreamDetector, StreamState } from './detector.ts';

type HddmOptions = { driftConfidence: number; warningConfidence: number; twoSided: boolean };

/** HDDM_A (Frías-Blanco et al. 2015): the mean since the best cut against the mean before it, by Hoeffding's bound. */
export class HddmA implements StreamDetector {
  private readonly o: HddmOptions;
  private n = 0;
  private sum = 0;
  private least = { n: 0, sum: 0 };
  private most = { n: 0, sum: 0 };

  constructor(options: Partial<HddmOptions> = {}) {
    this.o = { driftConfidence: 0.001, warningConfidence: 0.005, twoSided: false, ...options };
  }

  private reset(): void {
    this.n = 0;
    this.sum = 0;
    this.least = { n: 0, sum: 0 };
    this.most = { n: 0, sum: 0 };
  }

  /** Whether the mean since the cut differs from the mean before it by more than chance allows. */
  private beyond(cut: { n: number; sum: number }, confidence: number, sign: 1 | -1): boolean {
    if (cut.n === 0 || this.n === cut.n) return false;
    const m = (this.n - cut.n) / (cut.n * this.n);
    const epsilon = Math.sqrt((m / 2) * Math.log(2 / confidence));
    return sign * (this.sum / this.n - cut.sum / cut.n) >= epsilon;
  }

  update(x: number): StreamState {
    const { driftConfidence, warningConfidence, twoSided } = this.o;
    this.n++;
    this.sum += x;
    if (this.least.n === 0) this.least = { n: this.n, sum: this.sum };
    if (this.most.n === 0) this.most = { n: this.n, sum: this.sum };
    const bound = (n: number) => Math.sqrt((1 / (2 * n)) * Math.log(1 / driftConfidence));
    if (this.least.sum / this.least.n + bound(this.least.n) >= this.sum / this.n + bound(this.n))
      this.least = { n: this.n, sum: this.sum };
    if (this.most.sum / this.most.n - bound(this.most.n) <= this.sum / this.n - bound(this.n))
      this.most = { n: this.n, sum: this.sum };
    let warning = false;
    if (this.beyond(this.least, driftConfidence, 1)) {
      this.reset();
      return { drift: true, warning };
    }
    warning = this.beyond(this.least, warningConfidence, 1);
    if (twoSided && this.beyond(this.most, driftConfidence, -1)) {
      this.reset();
      return { drift: true, warning };
    }
    return { drift: false, warning };
  }
}

type Weighted = { ewma: number; independence: number; n: number };
const START: Weighted = { ewma: -1, independence: 0, n: 0 };

/**
 * HDDM_W: exponentially weighted means against each other, by McDiarmid's bound. `firstWeight` is the sum of squared
 * weights after one value: 1, as the derivation has it (and MOA); River begins one step of the decay later,
 * λ² + (1 − λ)².
 */
export class HddmW implements StreamDetector {
  private readonly o: HddmOptions & { lambda: number; firstWeight: number };
  private total: Weighted = { ...START };
  private before = { increase: { ...START }, decrease: { ...START } };
  private after = { increase: { ...START }, decrease: { ...START } };
  private cut = { increase: Number.POSITIVE_INFINITY, decrease: Number.NEGATIVE_INFINITY };

  constructor(options: Partial<HddmW['o']> = {}) {
    this.o = {
      driftConfidence: 0.001,
      warningConfidence: 0.005,
      twoSided: false,
      lambda: 0.05,
      firstWeight: 1,
      ...options,
    };
  }

  private reset(): void {
    this.total = { ...START };
    this.before = { increase: { ...START }, decrease: { ...START } };
    this.after = { increase: { ...START }, decrease: { ...START } };
    this.cut = { increase: Number.POSITIVE_INFINITY, decrease: Number.NEGATIVE_INFINITY };
  }

  private add(w: Weighted, x: number): Weighted {
    const { lambda, firstWeight } = this.o;
    if (w.ewma < 0) return { ewma: x, independence: firstWeight, n: 1 };
    return {
      ewma: lambda * x + (1 - lambda) * w.ewma,
      independence: lambda * lambda + (1 - lambda) ** 2 * w.independence,
      n: w.n + 1,
    };
  }

  private beyond(a: Weighted, b: Weighted, confidence: number): boolean {
    if (a.n === 0 || b.n === 0 || a.ewma < 0 || b.ewma < 0) return false;
    const bound = Math.sqrt(((a.independence + b.independence) * Math.log(1 / confidence)) / 2);
    return b.ewma - a.ewma > bound;
  }

  update(x: number): StreamState {
    const { driftConfidence, warningConfidence, twoSided } = this.o;
    this.total = this.add(this.total, x);
    const epsilon = Math.sqrt((this.total.independence * Math.log(1 / driftConfidence)) / 2);
    if (this.total.ewma + epsilon < this.cut.increase) {
      this.cut.increase = this.total.ewma + epsilon;
      this.before.increase = { ...this.total };
      this.after.increase = { ...START };
    } else this.after.increase = this.add(this.after.increase, x);
    if (this.total.ewma - epsilon > this.cut.decrease) {
      this.cut.decrease = this.total.ewma - epsilon;
      this.before.decrease = { ...this.total };
      this.after.decrease = { ...START };
    } else this.after.decrease = this.add(this.after.decrease, x);
    if (this.beyond(this.before.increase, this.after.increase, driftConfidence)) {
      this.reset();
      return { drift: true, warning: false };
    }
    const warning = this.beyond(this.before.increase, this.after.increase, warningConfidence);
    if (twoSided && this.beyond(this.after.decrease, this.before.decrease, driftConfidence)) {
      this.reset();
      return { drift: true, warning: false };
    }
    return { drift: false, warning };
  }
}
