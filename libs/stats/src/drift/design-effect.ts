import { sound, StatsError } from '../errors.ts';

/** The counts of one feature in one window, by time slice, over the same bins. */
export type Slices = readonly (readonly number[])[];

/**
 * The number of rows that count as one independent row: the factor by which bin shares vary more between slices than
 * for independent rows (Kish's design effect, from the heterogeneity χ² of slices within each window over its degrees
 * of freedom). Callers that send similar requests in bursts make rows dependent: 30 rows of one burst give hardly more
 * information than one, and a test that counts them as 30 gives false alarms.
 *
 * A shift between windows does not count here, and a shift within a window only in that window. Detects dependence
 * within slices, but not dependence that lasts longer than a window.
 *
 * @param windows the slices of each window; slices without rows are skipped
 * @returns at least 1; 1 when no window has two slices with rows
 * @throws StatsError when slices differ in length or contain a value that is not a count
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
    // A single row in every slice says nothing about how similar the rows of a slice are.
    if (filled.length < 2 || used < 2 || rows <= filled.length) continue;
    for (const { counts, n } of filled)
      for (const [bin, c] of counts.entries()) {
        const expected = (n * (total[bin] as number)) / rows;
        if (expected > 0) chi2 += (c - expected) ** 2 / expected;
      }
    // The exact mean of that χ² over independent rows: rows / (rows − 1) times its degrees of freedom.
    df += ((filled.length - 1) * (used - 1) * rows) / (rows - 1);
  }
  return df > 0 ? Math.max(1, chi2 / df) : 1;
});

const sum = (counts: readonly number[]): number => {
  let n = 0;
  for (const c of counts) {
    if (!(c >= 0)) throw new StatsError('not_a_count', 'a slice holds a number that is negative or not finite');
    n += c;
  }
  return n;
};
