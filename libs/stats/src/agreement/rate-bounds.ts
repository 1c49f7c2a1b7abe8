import { sound, StatsError } from '../errors.ts';
import { lnBeta } from '../kernel/gamma.ts';

export type RateBounds = { lower: number; upper: number };

/**
 * Bounds on a probability that hold at all sample sizes together with probability ≥ 1 − α: the set of p whose
 * beta-mixture likelihood ratio against p, B(s + ½, f + ½) / B(½, ½) / (pˢ (1 − p)ᶠ), has stayed below 1/α (Ville 1939;
 * Robbins 1970). Exact for independent events, so they may be looked at after every one.
 *
 * @param events s of `trials`, both counts
 * @throws StatsError out_of_range for a value that is not a count, or more events than trials
 */
export const rateBounds = sound('rateBounds', (events: number, trials: number, alpha: number): RateBounds => {
  const excluded = excludes(events, trials, alpha);
  if (trials === 0) return { lower: 0, upper: 1 };
  const rate = events / trials;
  return {
    lower: events === 0 ? 0 : edge(0, rate, excluded),
    upper: events === trials ? 1 : edge(1, rate, excluded),
  };
});

/**
 * Whether the upper bound of {@link rateBounds} is below a limit, without computing the bound.
 *
 * @throws StatsError as rateBounds; out_of_range when the limit is not a probability
 */
export const isRateBelow = sound(
  'isRateBelow',
  (events: number, trials: number, limit: number, alpha: number): boolean => {
    if (!(limit >= 0 && limit <= 1))
      throw new StatsError('out_of_range', `the limit must be a probability, not ${limit}`);
    const excluded = excludes(events, trials, alpha);
    return trials > 0 && events / trials < limit && excluded(limit);
  },
);

/** Whether the counts exclude a probability. */
function excludes(events: number, trials: number, alpha: number): (p: number) => boolean {
  if (!(trials >= 0 && trials < Number.POSITIVE_INFINITY) || !(events >= 0) || events > trials)
    throw new StatsError('not_a_count', `${events} events of ${trials} trials`);
  if (!(alpha > 0 && alpha < 1)) throw new StatsError('out_of_range', `alpha must lie in (0, 1), not ${alpha}`);
  const misses = trials - events;
  const mixture = lnBeta(events + 0.5, misses + 0.5) - lnBeta(0.5, 0.5);
  return (p) =>
    mixture - events * (events > 0 ? Math.log(p) : 0) - misses * (misses > 0 ? Math.log1p(-p) : 0) >= -Math.log(alpha);
}

/** Bisects between `outside` (excluded) and `inside` (not excluded) for the boundary. */
function edge(outside: number, inside: number, excluded: (p: number) => boolean): number {
  for (let i = 0; i < 60; i++) {
    const middle = (outside + inside) / 2;
    if (excluded(middle)) outside = middle;
    else inside = middle;
  }
  return outside;
}
