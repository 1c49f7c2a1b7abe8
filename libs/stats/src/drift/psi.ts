import { psiOfShares } from '../distance/divergence.ts';
import { sound, StatsError } from '../errors.ts';
import { divergenceP } from '../distance/significance.ts';

export type PsiResult = {
  /** Population stability index, natural logarithm, +½ in every cell (Jeffreys) so that an empty one is finite. */
  psi: number;
  /** Number of bins with rows on either side. */
  bins: number;
  /** P(an index at least as large | no drift), at these sizes. */
  p: number;
};

/**
 * PSI of two histograms over the same bins, with its significance. Without drift PSI / (1/n + 1/m) is asymptotically χ²
 * with (bins − 1) degrees of freedom (Yurdakul 2018); at n = m = 100 the usual threshold of 0.1 alarms in 84 % of
 * windows that have not drifted at all, this p in about 5 %.
 *
 * @throws StatsError when the histograms differ in length, hold a negative number, or are empty
 */
export const psi = sound('psi', (reference: readonly number[], current: readonly number[]): PsiResult => {
  if (reference.length !== current.length)
    throw new StatsError('length_mismatch', `${reference.length} reference bins, ${current.length} current ones`);
  if ([...reference, ...current].some((c) => !(c >= 0 && c < Number.POSITIVE_INFINITY)))
    throw new StatsError('not_a_count', 'a histogram holds a value that is not a count');
  const used = reference.map((r, i) => [r, current[i] as number] as const).filter(([r, c]) => r + c > 0);
  const n = used.reduce((s, [r]) => s + r, 0);
  const m = used.reduce((s, [, c]) => s + c, 0);
  if (n === 0 || m === 0) throw new StatsError('empty_arm', 'a histogram is empty');
  const k = used.length;
  if (k < 2) return { psi: 0, bins: k, p: 1 };
  const index = psiOfShares(
    used.map(([r]) => (r + 0.5) / (n + k / 2)),
    used.map(([, c]) => (c + 0.5) / (m + k / 2)),
  );
  return { psi: index, bins: k, p: divergenceP('psi', Math.max(0, index), k, n, m) };
});
