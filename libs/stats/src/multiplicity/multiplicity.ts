import { requireOpenUnit, sound, StatsError } from '../errors.ts';
import { normalQuantile } from '../kernel/normal.ts';

function requireP(p: readonly number[]): void {
  const bad = p.find((x) => !(x >= 0 && x <= 1));
  if (bad !== undefined) throw new StatsError('out_of_range', `a p-value must lie in [0, 1], not ${bad}`);
}

/** Running extreme of f(p, rank) over p in ascending order (rank 1 … m), back in the order of the input. */
function stepped(
  p: readonly number[],
  f: (p: number, rank: number, m: number) => number,
  direction: 'down' | 'up',
): number[] {
  requireP(p);
  const m = p.length;
  const order = p.map((_, i) => i).sort((a, b) => (p[a] as number) - (p[b] as number));
  const out = new Array<number>(m);
  let extreme = direction === 'down' ? 0 : 1;
  for (let k = 0; k < m; k++) {
    const rank = direction === 'down' ? k + 1 : m - k;
    const i = order[rank - 1] as number;
    const value = f(p[i] as number, rank, m);
    extreme = Math.min(1, direction === 'down' ? Math.max(extreme, value) : Math.min(extreme, value));
    out[i] = extreme;
  }
  return out;
}

/** Adjusted p-values, in the order of the input. */
export const bonferroni = sound('bonferroni', (p: readonly number[]): number[] => {
  requireP(p);
  return p.map((x) => Math.min(1, x * p.length));
});
/** Šidák 1967: for independent tests. */
export const sidak = sound('sidak', (p: readonly number[]): number[] => {
  requireP(p);
  return p.map((x) => -Math.expm1(p.length * Math.log1p(-x)));
});
/** Holm 1979. */
export const holm = sound('holm', (p: readonly number[]): number[] => stepped(p, (x, r, m) => x * (m - r + 1), 'down'));
/** Holm's steps with Šidák's levels. */
export const holmSidak = sound('holmSidak', (p: readonly number[]): number[] =>
  stepped(p, (x, r, m) => -Math.expm1((m - r + 1) * Math.log1p(-x)), 'down'),
);
/** Hochberg 1988 (Simes). */
export const hochberg = sound('hochberg', (p: readonly number[]): number[] =>
  stepped(p, (x, r, m) => x * (m - r + 1), 'up'),
);
/** Benjamini and Hochberg 1995. */
export const adjustedFdr = sound('adjustedFdr', (p: readonly number[]): number[] =>
  stepped(p, (x, r, m) => (x * m) / r, 'up'),
);
/** Which of the p-values are discoveries at the false discovery rate q. */
export const benjaminiHochberg = sound('benjaminiHochberg', (p: readonly number[], q: number): boolean[] =>
  adjustedFdr(p).map((x) => x <= q),
);
/** Benjamini and Yekutieli 2001: under any dependence. */
export const adjustedFdrDependent = sound('adjustedFdrDependent', (p: readonly number[]): number[] => {
  const c = p.reduce((s, _, i) => s + 1 / (i + 1), 0);
  return stepped(p, (x, r, m) => (x * m * c) / r, 'up');
});

/** Hommel 1988, after Wright 1992. */
export const hommel = sound('hommel', (p: readonly number[]): number[] => {
  requireP(p);
  const n = p.length;
  const order = p.map((_, i) => i).sort((a, b) => (p[a] as number) - (p[b] as number));
  const sorted = order.map((i) => p[i] as number);
  const a = [...sorted];
  for (let m = n; m > 1; m--) {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 1; i <= m; i++) least = Math.min(least, (m * (sorted[n - m + i - 1] as number)) / i);
    for (let i = n - m; i < n; i++) a[i] = Math.max(a[i] as number, least);
    for (let i = 0; i < n - m; i++) a[i] = Math.max(a[i] as number, Math.min(least, m * (sorted[i] as number)));
  }
  const out = new Array<number>(n);
  order.forEach((original, i) => {
    out[original] = Math.min(1, a[i] as number);
  });
  return out;
});

/** An interval that agrees with an adjusted p-value: sd = |effect| / z(1 − p/2). Unbounded at p = 1. */
export const adjustedInterval = sound(
  'adjustedInterval',
  (effect: number, adjustedP: number, alpha: number): [number, number] => {
    requireOpenUnit('alpha', alpha);
    if (adjustedP >= 1) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    if (adjustedP <= 0) return [effect, effect];
    const half = (normalQuantile(1 - alpha / 2) * Math.abs(effect)) / normalQuantile(1 - adjustedP / 2);
    return [effect - half, effect + half];
  },
);

/**
 * SPOT-1 (Spotify): only success metrics are alternatives, so only they share α; guardrails must all pass, so the power
 * is asked of each of them.
 */
export const countingRule = sound(
  'countingRule',
  (
    alpha: number,
    power: number,
    success: number,
    guardrails: number,
  ): { successAlpha: number; guardrailAlpha: number; power: number } => {
    return {
      successAlpha: alpha / Math.max(1, success),
      guardrailAlpha: alpha,
      power: 1 - (1 - power) / (guardrails + 1),
    };
  },
);
