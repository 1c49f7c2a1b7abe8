import { boundedExp } from '../kernel/bounded-exp.ts';
import { requireFinite, StatsError } from '../errors.ts';
/** Evidence that is updated second by second; its value can be read at any look. */
export type RunningEvidence = { valueAt(second: number): number };

/** Wealth is capped to stay finite, far above every threshold in use. */
const CEILING = 1e250;

/**
 * Mixes a family of test martingales over their alternatives and over the time of onset: each alternative's wealth
 * follows M ← (M + π_t)·factor, with half of the stake π at the start and half spread evenly over the planned length;
 * the unstaked rest is kept. The result is a nonnegative martingale that starts at 1 whenever each factor has mean ≤ 1
 * given the past, so by Ville's inequality it ever reaches 1/α with probability ≤ α.
 */
export class MixtureWealth implements RunningEvidence {
  private readonly wealth: Float64Array;
  private readonly startSecond: number;
  private readonly length: number;
  private staked = 0;

  /**
   * @param startSecond start of the rollout
   * @param plannedSeconds its planned length
   */
  constructor(alternatives: number, startSecond: number, plannedSeconds: number) {
    if (!(Number.isInteger(alternatives) && alternatives >= 1 && alternatives <= 1000))
      throw new StatsError('out_of_range', `the number of alternatives must lie in 1 … 1000, not ${alternatives}`);
    requireFinite('the start and the planned length', startSecond, plannedSeconds);
    this.wealth = new Float64Array(alternatives);
    this.startSecond = startSecond;
    this.length = Math.max(1, plannedSeconds);
  }

  /** The same so far; what is added to either does not change the other. */
  copy(): MixtureWealth {
    const copy = new MixtureWealth(this.wealth.length, this.startSecond, this.length);
    copy.wealth.set(this.wealth);
    copy.staked = this.staked;
    return copy;
  }

  private due(second: number): number {
    return 0.5 + 0.5 * Math.min(1, Math.max(0, (second - this.startSecond) / this.length));
  }

  /** Adds the factors of one second; seconds must be in order, and those without events may be left out. */
  add(second: number, logFactors: readonly number[]): void {
    const { wealth } = this;
    requireFinite('a second', second);
    if (logFactors.length !== wealth.length)
      throw new StatsError('length_mismatch', `${logFactors.length} factors for ${wealth.length} alternatives`);
    if (logFactors.some((f) => Number.isNaN(f))) throw new StatsError('not_finite', 'a log factor is NaN');
    const more = Math.max(0, this.due(second) - this.staked);
    this.staked += more;
    for (let j = 0; j < wealth.length; j++)
      wealth[j] = Math.min(CEILING, ((wealth[j] as number) + more) * boundedExp(logFactors[j] as number));
  }

  /** The e-value at a look. */
  valueAt(second: number): number {
    requireFinite('the second of the look', second);
    const staked = Math.max(this.staked, this.due(second));
    let sum = 0;
    for (const w of this.wealth) sum += w + staked - this.staked;
    return sum / this.wealth.length + (1 - staked);
  }
}
