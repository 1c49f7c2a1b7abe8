import { sound, StatsError } from '../errors.ts';

/** What one window of a feature counted, slice by slice of its time, over the same bins. */
export type Slices = readonly (readonly number[])[];

/**
 * How many rows count as one: by which factor the shares of bins vary more from slice to slice than those of
 * independent rows would (Kish's design effect, from the heterogeneity χ² of slices within each window over its degrees
 * of freedom). Callers who send what is alike in bursts make rows depend on each other: 30 rows of one burst tell
 * hardly more than one, and a test that takes them for 30 alarms without a drift.
 *
 * A shift between windows does not count here, and one within a window does in that window alone. It sees dependence
 * within slices, and none that lasts longer than a window.
 *
 * @param windows of each window its slices; those without rows are passed over
 * @returns at least 1; 1 where there are not two slices with rows in any window
 * @throws StatsError when slices differ in length or hold what is no count
 */
export const designEffect = sound('designEffect', (windows: readonly Slices[]): number => {
  let [chi2, df] = [0, 0];
  for (const slices of windows) {
    const filled = slices.map((counts) => ({ counts, n: sum(counts) })).filter(({ n }) => n > 0);
    const bins = filled[0]?.counts.length ?? 0;
    if (filled.some(({ counts }) => counts.length !== bins))
      throw new StatsError('length_mismatch', 'the slices of a window differ in their bins');
    const total = new Array<number>(bins).fill(0);
    for (const { counts } of filled) for (const [bin, c] of counts.entries()) total[bin] = (total[bin] as number) + c;
    const rows = sum(total);
    const used = total.filter((c) => c > 0).length;
    // A single row in every slice says nothing of how alike the rows of a slice are.
    if (filled.length < 2 || used < 2 || rows <= filled.length) continue;
    for (const { counts, n } of filled)
      for (const [bin, c] of counts.entries()) {
        const expected = (n * (total[bin] as number)) / rows;
        if (expected > 0) chi2 += (c - expected) ** 2 / expected;
      }
    // The mean of that χ² over independent rows, exactly: rows / (rows − 1) times its degrees of freedom.
    df += ((filled.length - 1) * (used - 1) * rows) / (rows - 1);
  }
  return df > 0 ? Math.max(1, chi2 / df) : 1;
});

const sum = (counts: readonly number[]): number => {
  let n = 0;
  for (const c of counts) {
    if (!(c >= 0)) throw new StatsError('not_a_count', 'a slice holds a number that is negative or none');
    n += c;
  }
  return n;
};
