import { sound, StatsError } from '../errors.ts';
import { chiSquareSurvival } from '../kernel/gamma.ts';
import { betaCdf, tSurvival } from '../kernel/distributions.ts';
import { momentsOf, populationVariance, variance } from '../moments/moments.ts';

/** Disagreement of two classifiers on the same labelled requests (McNemar 1947), with the exact binomial p-value. */
export const mcnemar = sound(
  'mcnemar',
  (onlyFirst: number, onlySecond: number): { chi2: number; p: number; chi2Corrected: number; pExact: number } => {
    const n = onlyFirst + onlySecond;
    if (n === 0) return { chi2: 0, p: 1, chi2Corrected: 0, pExact: 1 };
    const d = Math.abs(onlyFirst - onlySecond);
    const chi2 = (d * d) / n;
    const k = Math.min(onlyFirst, onlySecond);
    // P(X ≤ k) for Binomial(n, ½) by the incomplete beta function
    return {
      chi2,
      p: chiSquareSurvival(chi2, 1),
      chi2Corrected: Math.max(0, d - 1) ** 2 / n,
      pExact: Math.min(1, 2 * betaCdf(0.5, n - k, k + 1)),
    };
  },
);

/** Cohen's κ of a square table of counts. */
export const cohenKappa = sound(
  'cohenKappa',
  (table: readonly (readonly number[])[]): { observedAgreement: number; expectedAgreement: number; kappa: number } => {
    const n = table.flat().reduce((a, b) => a + b, 0);
    if (!(n > 0)) throw new StatsError('empty_arm', 'the table is empty');
    const observed = table.reduce((s, r, i) => s + (r[i] as number), 0) / n;
    const expected = table.reduce(
      (s, r, i) => s + (r.reduce((a, b) => a + b, 0) / n) * (table.reduce((a, q) => a + (q[i] as number), 0) / n),
      0,
    );
    return {
      observedAgreement: observed,
      expectedAgreement: expected,
      kappa: expected === 1 ? 1 : (observed - expected) / (1 - expected),
    };
  },
);

/**
 * Agreement of two models' numeric outputs on the same requests: Bland–Altman limits (mean ± 1.96 sd), errors, Pearson,
 * Lin's concordance (population moments), paired t.
 */
export const pairedAgreement = sound('pairedAgreement', (first: readonly number[], second: readonly number[]) => {
  if (first.length !== second.length)
    throw new StatsError('length_mismatch', `${first.length} and ${second.length} values`);
  if (first.length < 2) throw new StatsError('empty_arm', 'at least two pairs are needed');
  const n = first.length;
  const d = second.map((x, i) => x - (first[i] as number));
  const [m, a, b] = [momentsOf(d), momentsOf(first), momentsOf(second)];
  const sd = Math.sqrt(variance(m));
  const covariance = first.reduce((s, x, i) => s + (x - a.mean) * ((second[i] as number) - b.mean), 0) / n;
  const [va, vb] = [populationVariance(a), populationVariance(b)];
  const t = sd > 0 ? m.mean / (sd / Math.sqrt(n)) : m.mean === 0 ? 0 : Number.POSITIVE_INFINITY;
  return {
    meanDiff: m.mean,
    limits: [m.mean - 1.96 * sd, m.mean + 1.96 * sd] as [number, number],
    mae: d.reduce((s, x) => s + Math.abs(x), 0) / n,
    rmse: Math.sqrt(d.reduce((s, x) => s + x * x, 0) / n),
    max: Math.max(...d.map(Math.abs)),
    pearson: va > 0 && vb > 0 ? covariance / Math.sqrt(va * vb) : null,
    ccc: va + vb + (a.mean - b.mean) ** 2 > 0 ? (2 * covariance) / (va + vb + (a.mean - b.mean) ** 2) : 1,
    pairedT: { t, p: 2 * tSurvival(Math.abs(t), n - 1) },
  };
});

/**
 * Diffy's filter of a field: reports it when there are more differences than noise, by more than `relativePct` of both
 * and `absolutePct` of all.
 */
export const noiseFilter = sound(
  'noiseFilter',
  (
    raw: number,
    noise: number,
    total: number,
    limits: { relativePct: number; absolutePct: number },
  ): { relative: number; absolute: number; flagged: boolean } => {
    const relative = raw + noise > 0 ? (Math.abs(raw - noise) / (raw + noise)) * 100 : 0;
    const absolute = (Math.abs(raw - noise) / total) * 100;
    return {
      relative,
      absolute,
      flagged: raw > noise && relative > limits.relativePct && absolute > limits.absolutePct,
    };
  },
);
