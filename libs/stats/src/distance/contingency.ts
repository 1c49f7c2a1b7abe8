import { requireCount, sound, StatsError } from '../errors.ts';
import { chiSquareSurvival, lnGamma } from '../kernel/gamma.ts';

/** One-way χ²; expected counts are uniform where none are given. */
export const chiSquareTest = sound(
  'chiSquareTest',
  (observed: readonly number[], expected?: readonly number[]): { chi2: number; df: number; p: number } => {
    const n = observed.reduce((a, b) => a + b, 0);
    const e = expected ?? observed.map(() => n / observed.length);
    if (e.length !== observed.length)
      throw new StatsError('length_mismatch', `${observed.length} observed cells, ${e.length} expected`);
    const chi2 = observed.reduce((s, o, i) => s + (o - (e[i] as number)) ** 2 / (e[i] as number), 0);
    return { chi2, df: observed.length - 1, p: chiSquareSurvival(chi2, observed.length - 1) };
  },
);

/** Independence in an r × c table, without continuity correction. */
export const contingencyTest = sound(
  'contingencyTest',
  (table: readonly (readonly number[])[]): { chi2: number; df: number; p: number } => {
    const rows = table.map((r) => r.reduce((a, b) => a + b, 0));
    const columns = (table[0] ?? []).map((_, j) => table.reduce((s, r) => s + (r[j] as number), 0));
    const n = rows.reduce((a, b) => a + b, 0);
    let chi2 = 0;
    for (const [i, r] of table.entries()) {
      for (const [j, o] of r.entries()) {
        const e = ((rows[i] as number) * (columns[j] as number)) / n;
        if (e > 0) chi2 += (o - e) ** 2 / e;
      }
    }
    const df = (rows.filter((x) => x > 0).length - 1) * (columns.filter((x) => x > 0).length - 1);
    return { chi2, df, p: df > 0 ? chiSquareSurvival(chi2, df) : 1 };
  },
);

/** G-test of current counts against the reference's shares. */
export const gTest = sound(
  'gTest',
  (reference: readonly number[], current: readonly number[]): { g: number; p: number } => {
    const scale = current.reduce((a, b) => a + b, 0) / reference.reduce((a, b) => a + b, 0);
    const g =
      2 * current.reduce((s, o, i) => s + (o > 0 ? o * Math.log(o / ((reference[i] as number) * scale)) : 0), 0);
    return { g, p: chiSquareSurvival(g, current.length - 1) };
  },
);

/** Fisher's exact test of a 2 × 2 table, two-sided: sums the tables that are at most as likely as this one. */
export const fisherExact = sound(
  'fisherExact',
  (table: readonly [readonly [number, number], readonly [number, number]]): number => {
    if (table.length !== 2 || table.some((r) => r.length !== 2))
      throw new StatsError('length_mismatch', "Fisher's test is for tables of 2 × 2");
    const [[a, b], [c, d]] = table;
    requireCount('a cell', a, b, c, d);
    if (a + b + c + d > 1e7)
      throw new StatsError('out_of_range', `Fisher's test is for small tables, not for ${a + b + c + d} rows: use χ²`);
    const lnChoose = (n: number, k: number) => lnGamma(n + 1) - lnGamma(k + 1) - lnGamma(n - k + 1);
    const [row, other, column] = [a + b, c + d, a + c];
    const of = (x: number) => lnChoose(row, x) + lnChoose(other, column - x) - lnChoose(row + other, column);
    const here = of(a);
    let p = 0;
    for (let x = Math.max(0, column - other); x <= Math.min(row, column); x++)
      if (of(x) <= here + 1e-9) p += Math.exp(of(x));
    return Math.min(1, p);
  },
);
