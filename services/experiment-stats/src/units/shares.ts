import { toNineDigits } from '@slipway/core';
/** Control, or the candidate that is compared with it. */
export type Arm = 'control' | 'candidate';

type Met = { weight: number; arm: Arm; at: number };

/**
 * A share of the candidate at which a unit was met: its arm there, when that was first, and the probability, given its
 * arms at the shares before, that it is the candidate's.
 */
export type Share = { weight: number; arm: Arm; met: number; chance: number };

/** Control at no less than a share at which it was the candidate: a fault of exposure. */
export function isCrossed(rows: readonly { weight: number; arm: Arm }[]): boolean {
  let [control, candidate] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { arm, weight } of rows)
    if (arm === 'control') control = Math.max(control, weight);
    else candidate = Math.min(candidate, weight);
  return control >= candidate;
}

/**
 * The shares at which one unit was met, in order: `chanceOfCandidate` of libs/stats, unit by unit. None where the arms
 * contradict each other.
 */
export function sharesOf(rows: readonly Met[]): Share[] {
  const [only] = rows;
  if (only && rows.length === 1) return [{ weight: only.weight, arm: only.arm, met: only.at, chance: only.weight }];
  if (isCrossed(rows)) return [];
  const first = new Map<number, Met>();
  for (const row of rows) {
    const known = first.get(row.weight);
    if (!known || row.at < known.at) first.set(row.weight, row);
  }
  let [low, high] = [0, 1];
  return [...first.values()]
    .sort((a, b) => a.at - b.at || a.weight - b.weight)
    .map(({ weight, arm, at }) => {
      const chance = toNineDigits(Math.min(1, Math.max(0, (weight - low) / (high - low))));
      if (arm === 'control') low = Math.max(low, weight);
      else high = Math.min(high, weight);
      return { weight, arm, met: at, chance };
    });
}

/** An event of one unit counts with the arm and the chance of its share, in its second. */
export type Counted<E> = { arm: Arm; chance: number; event: E };

/**
 * The events of one unit (one a share, with its second) that count: not those that came after an event of the same unit
 * at a share that it met later.
 */
export function inOrder<E extends { second: number }>(
  shares: readonly Share[],
  eventAt: (weight: number) => E | undefined,
): Counted<E>[] {
  const counted: Counted<E>[] = [];
  let later = Number.POSITIVE_INFINITY;
  for (let i = shares.length - 1; i >= 0; i--) {
    const { weight, arm, chance } = shares[i] as Share;
    const event = eventAt(weight);
    if (!event) continue;
    if (event.second <= later) counted.push({ arm, chance, event });
    later = Math.min(later, event.second);
  }
  return counted;
}
