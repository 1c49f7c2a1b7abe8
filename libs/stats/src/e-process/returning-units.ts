import { sound, StatsError } from '../errors.ts';

/**
 * A unit's arm at a candidate share. Assignment is nested, so the unit has the same arm whenever it is met at that
 * share.
 */
export type Sighting = { share: number; arm: 'control' | 'candidate' };

/** Shares are kept to nine digits, as in the rows. */
const rounded = (x: number) => Math.round(x * 1e9) / 1e9;

/**
 * Probability that a unit is the candidate's at `share`, given its arms at the shares where it was met before. Its
 * point is uniform on [0, 1) and it is the candidate's below the share: as control at L and candidate at H (the least)
 * it lies in [L, H), so the answer is (share − L) / (H − L) within 0 … 1. A former candidate that is met at a larger
 * share, and a former control at a smaller one, carry no information (1 and 0); a former control joins with
 * (w₂ − w₁) / (1 − w₁).
 *
 * @throws StatsError invalid_weights when the sightings contradict each other (see {@link isCrossed})
 */
export const chanceOfCandidate = sound('chanceOfCandidate', (before: readonly Sighting[], share: number): number => {
  requireShare(share);
  const { low, high } = interval(before);
  if (low >= high) throw new StatsError('invalid_weights', `a unit was control at ${low} and candidate at ${high}`);
  return rounded(Math.min(1, Math.max(0, (share - low) / (high - low))));
});

/** Whether a unit was control at or above a share at which it was also the candidate's: a fault of exposure. */
export const isCrossed = sound('isCrossed', (sightings: readonly Sighting[]): boolean => {
  const { low, high } = interval(sightings);
  return low >= high;
});

function requireShare(share: number): void {
  if (!(share >= 0 && share <= 1)) throw new StatsError('out_of_range', `a share must lie in [0, 1], not ${share}`);
}

function interval(sightings: readonly Sighting[]): { low: number; high: number } {
  let low = 0;
  let high = 1;
  for (const { share, arm } of sightings) {
    requireShare(share);
    if (arm === 'candidate') high = Math.min(high, share);
    else low = Math.max(low, share);
  }
  // At a share of 0 every unit is control, at 1 every unit is the candidate's: both carry no information.
  return { low, high };
}

type Known = { sightings: Sighting[]; chances: number[]; latestEvent: Record<string, number> };

/**
 * The units of one rollout with what is known of their arms: gives each exposure and each event the candidate share by
 * which it is judged. The wealth of an e-process stays a martingale however persistent the units' own habits are: at
 * most one event a unit and share counts, in the order in which the unit met the shares, each conditioned on the unit's
 * earlier arms. An event that comes after one at a share that the unit met later does not count, because its arm was
 * known by then. Assumes that arms do not change whether a unit comes back.
 */
export class ReturningUnits {
  private readonly units = new Map<string, Known>();

  /** @returns the chance of the unit's first exposure at this share; `undefined` for every further one */
  exposed(unit: string, { share, arm }: Sighting): number | undefined {
    let known = this.units.get(unit);
    if (!known) {
      known = { sightings: [], chances: [], latestEvent: {} };
      this.units.set(unit, known);
    }
    if (known.sightings.some((s) => s.share === share)) return undefined;
    const chance = chanceOfCandidate(known.sightings, share);
    known.sightings.push({ share, arm });
    known.chances.push(chance);
    return chance;
  }

  /** @returns the chance of the unit's first event of a metric at this share; `undefined` when it does not count */
  event(unit: string, share: number, metric = ''): number | undefined {
    const known = this.units.get(unit);
    const at = known?.sightings.findIndex((s) => s.share === share) ?? -1;
    if (!known || at < 0 || at <= (known.latestEvent[metric] ?? -1)) return undefined;
    known.latestEvent[metric] = at;
    return known.chances[at];
  }
}
