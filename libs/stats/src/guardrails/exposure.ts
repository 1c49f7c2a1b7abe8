import { rateBounds } from '../agreement/rate-bounds.ts';
import { type CountCell, countEvidence } from '../e-process/counts.ts';

/** Bounds on the candidate's actual share of the units, by the share that it should have. */
export type ShareBounds = ReadonlyMap<number, { lower: number; upper: number }>;

/**
 * Which shares the units' own arms still allow, all weights and looks together, with probability ≥ 1 − α: an exact
 * confidence sequence per stated weight (`rateBounds`), Bonferroni over the weights. Crossed units belong to neither
 * arm and are not among them.
 */
export function shareBounds(exposures: readonly CountCell[], alpha: number): ShareBounds {
  const sums = new Map<number, { control: number; candidate: number }>();
  for (const { weight, control, candidate } of exposures) {
    if (weight <= 0 || weight >= 1) continue;
    const sum = sums.get(weight) ?? { control: 0, candidate: 0 };
    sum.control += control;
    sum.candidate += candidate;
    sums.set(weight, sum);
  }
  return new Map(
    [...sums].map(([weight, { control, candidate }]) => [
      weight,
      rateBounds(candidate, control + candidate, alpha / sums.size),
    ]),
  );
}

/**
 * The evidence of a guardrail as if each share were the worst for it that `bounds` allow: what is left cannot come from
 * units that were given to the wrong arm. Where an event is bad, a larger share explains more of the candidate's; where
 * it is good, a smaller one explains why there are few. Each factor falls (rises) with the share, so while the true
 * share lies within its bounds the result is at most a supermartingale that starts at 1.
 */
export function leastFavourableEvidence(
  cells: readonly CountCell[],
  margin: number,
  ratios: readonly number[],
  times: { startSecond: number; plannedSeconds: number; nowSecond: number },
  bounds: ShareBounds,
): number {
  const worse = (ratios[0] as number) > 1;
  const moved = cells.map((cell) => {
    if (cell.weight <= 0 || cell.weight >= 1) return cell;
    const found = bounds.get(cell.weight) ?? { lower: 0, upper: 1 };
    const weight = worse ? Math.max(cell.weight, found.upper) : Math.min(cell.weight, found.lower);
    return { ...cell, weight };
  });
  return countEvidence(moved, margin, ratios, times.startSecond, times.plannedSeconds, times.nowSecond);
}
