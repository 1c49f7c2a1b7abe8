import { requireCount, sound, StatsError } from '../errors.ts';

function requireSame(p: readonly number[], q: readonly number[]): void {
  if (p.length !== q.length) throw new StatsError('length_mismatch', `${p.length} and ${q.length} cells`);
  if ([...p, ...q].some((x) => !(x >= 0)))
    throw new StatsError('not_a_count', 'a cell holds a number that is negative or not finite');
}
/** Counts as shares of their sum. @throws StatsError invalid_weights when they sum to zero */
export const shares = sound('shares', (counts: readonly number[]): number[] => {
  const n = counts.reduce((a, b) => a + b, 0);
  if (!(n > 0)) throw new StatsError('invalid_weights', 'the cells sum to zero');
  return counts.map((c) => c / n);
});

/**
 * Zeros become 0.0001, or a millionth of the least share where that is smaller (as Evidently does), without
 * renormalising.
 */
export const filled = sound('filled', (p: readonly number[]): number[] => {
  const least = Math.min(...p.filter((x) => x > 0));
  return p.map((x) => (x === 0 ? (least <= 0.0001 ? least / 1e6 : 0.0001) : x));
});

/** Σ (a − e) ln(a / e) over the given shares, without smoothing. */
export const psiOfShares = sound('psiOfShares', (expected: readonly number[], actual: readonly number[]): number => {
  requireSame(expected, actual);
  return expected.reduce((s, e, i) => s + ((actual[i] as number) - e) * Math.log((actual[i] as number) / e), 0);
});

/** Kullback–Leibler divergence of p from q, nats. */
export const kullbackLeibler = sound('kullbackLeibler', (p: readonly number[], q: readonly number[]): number => {
  requireSame(p, q);
  return p.reduce((s, x, i) => s + (x === 0 ? 0 : x * Math.log(x / (q[i] as number))), 0);
});

/** Jensen–Shannon distance: the root of the divergence. @param base of the logarithm */
export const jensenShannon = sound(
  'jensenShannon',
  (p: readonly number[], q: readonly number[], base: number = Math.E): number => {
    requireSame(p, q);
    const [a, b] = [shares(p), shares(q)];
    const m = a.map((x, i) => (x + (b[i] as number)) / 2);
    return Math.sqrt(Math.max(0, (kullbackLeibler(a, m) + kullbackLeibler(b, m)) / 2 / Math.log(base)));
  },
);

/** √(1 − Bhattacharyya coefficient). */
export const hellinger = sound('hellinger', (p: readonly number[], q: readonly number[]): number => {
  requireSame(p, q);
  const [a, b] = [shares(p), shares(q)];
  return Math.sqrt(Math.max(0, 1 - a.reduce((s, x, i) => s + Math.sqrt(x * (b[i] as number)), 0)));
});

/** Largest difference of a category's share; a category unseen on one side has the share 0 there. */
export const lInfinity = sound('lInfinity', (reference: readonly string[], current: readonly string[]): number => {
  const share = (xs: readonly string[], c: string) => xs.filter((x) => x === c).length / xs.length;
  return Math.max(
    ...[...new Set([...reference, ...current])].map((c) => Math.abs(share(reference, c) - share(current, c))),
  );
});

const MOST_BINS = 1_000_000;

/** Counts in bins. A bin includes its lower edge; the last one also its upper edge. */
export const histogram = sound('histogram', (values: readonly number[], edges: readonly number[]): number[] => {
  if (edges.length < 2) throw new StatsError('empty_arm', 'a histogram needs at least two edges');
  const counts = new Array<number>(edges.length - 1).fill(0);
  for (const v of values) {
    if (v < (edges[0] as number) || v > (edges.at(-1) as number)) continue;
    let bin = edges.findIndex((e) => e > v) - 1;
    if (bin < 0) bin = counts.length - 1;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
});
/** Edges of bins of equal width. */
export const equalEdges = sound('equalEdges', (low: number, high: number, bins: number): number[] => {
  requireCount('bins', bins);
  if (bins < 1 || bins > MOST_BINS)
    throw new StatsError('out_of_range', `the number of bins must lie in 1 … ${MOST_BINS}, not ${bins}`);
  return Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : low + ((high - low) * i) / bins));
});
/** Sturges: ⌈log₂ n⌉ + 1 bins over the range. */
export const sturgesEdges = sound('sturgesEdges', (values: readonly number[]): number[] => {
  return equalEdges(Math.min(...values), Math.max(...values), Math.ceil(Math.log2(values.length) + 1));
});
/** Doane: Sturges with an allowance for skewness. */
export const doaneEdges = sound('doaneEdges', (values: readonly number[]): number[] => {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const sd = Math.sqrt(values.reduce((s, x) => s + (x - mean) ** 2, 0) / n);
  const g = values.reduce((s, x) => s + ((x - mean) / sd) ** 3, 0) / n;
  const sg = Math.sqrt((6 * (n - 2)) / ((n + 1) * (n + 3)));
  const bins = Math.ceil(1 + Math.log2(n) + Math.log2(1 + Math.abs(g) / sg));
  return equalEdges(Math.min(...values), Math.max(...values), bins);
});
/** Linear interpolation between order statistics (type 7). */
export const quantileOf = sound('quantileOf', (sorted: readonly number[], q: number): number => {
  const h = (sorted.length - 1) * q;
  const low = Math.floor(h);
  return (
    (sorted[low] as number) +
    (h - low) * ((sorted[Math.min(low + 1, sorted.length - 1)] as number) - (sorted[low] as number))
  );
});
/** The least value, the nine deciles, the greatest value. */
export const decileEdges = sound('decileEdges', (values: readonly number[]): number[] => {
  const sorted = [...values].sort((a, b) => a - b);
  return Array.from({ length: 11 }, (_, i) => quantileOf(sorted, i / 10));
});
