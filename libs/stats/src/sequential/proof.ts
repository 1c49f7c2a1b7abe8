import { requireCount, sound } from '../errors.ts';
import { sequenceHalfWidth, sequenceRho } from './confidence-sequence.ts';

export type Rated = { units: number; events: number };
export type Proof = {
  state: 'insufficient_data' | 'open' | 'proved' /** p_T − r p_C. */;
  estimate: number | null /** One-sided bound in the direction that has to be shown; valid at every look. */;
  bound: number | null;
};

/** With fewer events over both arms a normal approximation is too inaccurate. */
export const MIN_EVENTS = 20;

/**
 * Whether the candidate's event rate is below (or above) `ratio` times the control's, shown by a one-sided asymptotic
 * confidence sequence of p_T − r p_C: "not worse by more than the margin" for guardrails whose policy asks for proof,
 * "better" (ratio 1) for an experiment's goal. Its variance is p_T(1 − p_T)/n_T + r² p_C(1 − p_C)/n_C at the margin,
 * where p_T = r p_C is estimated from both arms: an arm without an event has no variance of its own, so that a few
 * units without one would prove anything.
 *
 * @param direction `below`: fewer events have to be shown; `above`: more
 */
export const proveRatio = sound(
  'proveRatio',
  (control: Rated, candidate: Rated, ratio: number, direction: 'below' | 'above', alpha: number): Proof => {
    requireCount('units', control.units, candidate.units);
    requireCount('events', control.events, candidate.events);
    if (control.units < 2 || candidate.units < 2 || control.events + candidate.events < MIN_EVENTS)
      return { state: 'insufficient_data', estimate: null, bound: null };
    const [pc, pt] = [control.events / control.units, candidate.events / candidate.units];
    const n = control.units + candidate.units;
    const base = (control.events + candidate.events) / (control.units + ratio * candidate.units);
    const spread = (p: number) => Math.max(0, p * (1 - p));
    const variance = spread(ratio * base) / candidate.units + (ratio * ratio * spread(base)) / control.units;
    const half = sequenceHalfWidth(variance * n, n, sequenceRho(alpha, undefined, true), alpha, true);
    const estimate = pt - ratio * pc;
    const bound = direction === 'below' ? estimate + half : estimate - half;
    return { state: (direction === 'below' ? bound < 0 : bound > 0) ? 'proved' : 'open', estimate, bound };
  },
);
