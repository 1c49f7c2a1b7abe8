import { isRateBelow } from '../agreement/rate-bounds.ts';
import type { Rated } from '../sequential/proof.ts';

/**
 * The smallest harm that must not be missed: candidate over control as a ratio (above 1 where an event is bad, below 1
 * where it is good), or as a difference of rates; whichever of the two is the smaller harm.
 */
export type Harm = { ratio?: number | undefined; absolute?: number | undefined };
/** How far the harm is from being excluded. */
export type Exclusion = {
  /** The harm as a ratio, or as a slow-down in normal scores. */
  harm: number | null;
  /** Likelihood ratio of that harm against none; excluded once it is at most the allowed probability of missing it. */
  e: number | null;
  excluded: boolean;
  /** At the present rate, when nothing is wrong; `null` where nothing is known of that. */
  seconds: number | null;
};

/** Allowed probability of promoting a candidate that does the harm, where the policy names none. */
export const MISSED = 0.05;

/**
 * The harm as a ratio, by the control's own rate; `undefined` while the control has had no event and only a difference
 * was named.
 */
export function harmRatio(
  { ratio, absolute }: Harm,
  control: Rated,
  direction: 'lower' | 'higher',
): number | undefined {
  const rate = control.units > 0 ? control.events / control.units : 0;
  const bySize =
    absolute === undefined || rate === 0
      ? undefined
      : direction === 'lower'
        ? 1 + absolute / rate
        : Math.max(0.01, 1 - absolute / rate);
  if (ratio === undefined || bySize === undefined) return ratio ?? bySize;
  return direction === 'lower' ? Math.min(ratio, bySize) : Math.max(ratio, bySize);
}

/**
 * Whether a harm can be excluded: the likelihood ratio r of harm against none has fallen to `missed` or below. Under
 * that harm, or any greater one, 1/r is a supermartingale that starts at 1, so by Ville's
 * inequality it is ever excluded with probability ≤ `missed`, whatever the number of looks: the mirror image of α (Wald
 * 1945). Needs no base rate and, like the evidence, is immune to what both arms share.
 *
 * @param decay how much ln r falls per event when nothing is wrong @param perSecond events per second at present
 */
export function exclusion(harm: number, e: number, missed: number, decay: number, perSecond: number): Exclusion {
  const seconds = e > missed && decay > 0 && perSecond > 0 ? Math.log(e / missed) / (decay * perSecond) : null;
  return { harm, e, excluded: e <= missed, seconds };
}

/** ln r's fall per event under no harm, at weight w. */
export const countDecay = (ratio: number, w: number): number => Math.log1p(w * (ratio - 1)) - w * Math.log(ratio);

/**
 * Where events are so rare that a ratio cannot be seen: the candidate's own rate is below the difference, by an exact
 * bound that holds at every look.
 */
export function rareEnough(candidate: Rated, absolute: number | undefined, missed: number): boolean {
  return absolute !== undefined && isRateBelow(candidate.events, candidate.units, absolute, missed);
}
