import { sound, StatsError } from '../errors.ts';
import { boundedExp } from '../kernel/bounded-exp.ts';
import { MixtureWealth, type RunningEvidence } from './mixture.ts';

/** Events of the two concurrent arms in one arrival second under one candidate share. */
export type CountCell = {
  /** Arrival second (Kafka's clock). */
  second: number;
  /** The candidate's assignment probability, 0..1. */
  weight: number;
  control: number;
  candidate: number;
};

/** Alternatives: ratios of the candidate's intensity to the control's. */
export const WORSE_WHEN_MORE = [1.25, 1.5, 2, 3, 5, 10, 30, 100] as const;
export const WORSE_WHEN_FEWER = [0.97, 0.95, 0.9, 0.8, 0.7, 0.5, 0.25, 0.02] as const;
export const SAMPLE_RATIOS = [0.5, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 1.5, 2] as const;

/**
 * E-value against "the candidate's intensity of events is at most `margin` times the control's" (at least, when
 * margin < 1). Given an event, it is the candidate's with probability w·r/(1 + w(r − 1)) under ratio r, whatever the
 * load or a shared outage does; the factor is the likelihood ratio of r against the margin. Cells with w of 0 or 1
 * carry no information. Cells must be in order of second.
 *
 * Assumes: events of different units are independent given the past (count each unit once per metric and step),
 * assignment is randomised with the stated weight. Source: Lindon & Malek, NeurIPS 2022 (the same null); mixture over
 * time of onset: `mixture.ts`.
 */
export class CountEvidence implements RunningEvidence {
  private mixture: MixtureWealth;
  private readonly margin: number;
  private readonly ratios: readonly number[];
  /** For each alternative: ln(r / margin), and by weight −ln((1 + w(r − 1)) / (1 + w(margin − 1))). */
  private readonly gain: number[];
  private readonly costs = new Map<number, number[]>();
  private readonly factors: number[];
  /** All events so far, by weight. */
  private seen = new Map<number, { control: number; candidate: number }>();
  private readonly made: readonly [number, readonly number[], number, number];

  constructor(margin: number, ratios: readonly number[], startSecond: number, plannedSeconds: number) {
    this.made = [margin, ratios, startSecond, plannedSeconds];
    if (!(margin > 0 && margin < Number.POSITIVE_INFINITY))
      throw new StatsError('out_of_range', `a margin must be a positive ratio, not ${margin}`);
    if (ratios.length === 0 || ratios.some((r) => !(r > 0 && r < Number.POSITIVE_INFINITY)))
      throw new StatsError('out_of_range', 'the alternatives must be positive ratios');
    this.margin = margin;
    this.ratios = margin === 1 ? ratios : ratios.map((r) => r * margin);
    this.gain = this.ratios.map((r) => Math.log(r / margin));
    this.factors = new Array<number>(ratios.length).fill(0);
    this.mixture = new MixtureWealth(ratios.length, startSecond, plannedSeconds);
  }

  add({ second, weight: w, control, candidate }: CountCell): void {
    if (!(w >= 0 && w <= 1)) throw new StatsError('out_of_range', `a candidate share must lie in [0, 1], not ${w}`);
    if (!(control >= 0 && candidate >= 0 && control + candidate < Number.POSITIVE_INFINITY))
      throw new StatsError('not_a_count', `the events of an arm must be counts, not ${control} and ${candidate}`);
    if (w === 0 || w === 1 || control + candidate === 0) return;
    const seen = this.seen.get(w);
    if (seen) {
      seen.control += control;
      seen.candidate += candidate;
    } else this.seen.set(w, { control, candidate });
    let cost = this.costs.get(w);
    if (!cost) {
      cost = this.ratios.map((r) => -Math.log((1 + w * (r - 1)) / (1 + w * (this.margin - 1))));
      this.costs.set(w, cost);
    }
    for (let j = 0; j < this.factors.length; j++)
      this.factors[j] = candidate * (this.gain[j] as number) + (control + candidate) * (cost[j] as number);
    this.mixture.add(second, this.factors);
  }

  /** The same so far; what is added to either does not change the other. */
  copy(): CountEvidence {
    const copy = new CountEvidence(...this.made);
    copy.mixture = this.mixture.copy();
    copy.seen = new Map([...this.seen].map(([w, counts]) => [w, { ...counts }]));
    return copy;
  }

  valueAt(second: number): number {
    return this.mixture.valueAt(second);
  }

  /**
   * Likelihood ratio of "the candidate's intensity is `ratio` times the control's" against "it is the same", over all
   * events so far.
   */
  likelihoodRatio(ratio: number): number {
    if (!(ratio > 0 && ratio < Number.POSITIVE_INFINITY))
      throw new StatsError('out_of_range', `a harm must be a positive ratio, not ${ratio}`);
    let log = 0;
    for (const [w, { control, candidate }] of this.seen)
      log += candidate * Math.log(ratio) - (control + candidate) * Math.log1p(w * (ratio - 1));
    return boundedExp(log);
  }
}

/** Merges cells counted by several processes into one list: sums by second and weight, in order. */
export const mergeCells = sound('mergeCells', (...lists: (readonly CountCell[])[]): CountCell[] => {
  const found = new Map<string, CountCell>();
  for (const cell of lists.flat()) {
    const key = `${cell.second} ${cell.weight}`;
    const before = found.get(key);
    found.set(
      key,
      before
        ? { ...before, control: before.control + cell.control, candidate: before.candidate + cell.candidate }
        : { ...cell },
    );
  }
  return [...found.values()].sort((a, b) => a.second - b.second || a.weight - b.weight);
});

/** {@link CountEvidence} of a whole list of cells, in order of second. */
export const countEvidence = sound(
  'countEvidence',
  (
    cells: readonly CountCell[],
    margin: number,
    ratios: readonly number[],
    startSecond: number,
    plannedSeconds: number,
    nowSecond: number,
  ): number => {
    const evidence = new CountEvidence(margin, ratios, startSecond, plannedSeconds);
    for (const cell of cells) evidence.add(cell);
    return evidence.valueAt(nowSecond);
  },
);
