import { sound } from '../errors.ts';
import { normalSurvival } from '../kernel/distributions.ts';

/** Mid-ranks of all values, and Σ(t³ − t) of the ties. */
function ranked(values: readonly number[]): { ranks: number[]; ties: number } {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Array<number>(values.length);
  let ties = 0;
  for (let i = 0; i < order.length; ) {
    let j = i;
    while (j + 1 < order.length && values[order[j + 1] as number] === values[order[i] as number]) j++;
    for (let k = i; k <= j; k++) ranks[order[k] as number] = (i + j) / 2 + 1;
    const t = j - i + 1;
    ties += t ** 3 - t;
    i = j + 1;
  }
  return { ranks, ties };
}

/**
 * Mann–Whitney U of `a`, two-sided: exact for small samples without ties, else normal with continuity and tie
 * correction.
 */
export const mannWhitney = sound(
  'mannWhitney',
  (a: readonly number[], b: readonly number[], method: 'auto' | 'asymptotic' = 'auto'): { u: number; p: number } => {
    const [n, m] = [a.length, b.length];
    const { ranks, ties } = ranked([...a, ...b]);
    const u = ranks.slice(0, n).reduce((s, r) => s + r, 0) - (n * (n + 1)) / 2;
    const larger = Math.max(u, n * m - u);
    if (method === 'auto' && ties === 0 && Math.min(n, m) <= 8)
      return { u, p: Math.min(1, 2 * exactUpper(n, m, larger)) };
    const total = n + m;
    const sd = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
    return { u, p: Math.min(1, 2 * normalSurvival((larger - (n * m) / 2 - 0.5) / sd)) };
  },
);
/** P(U ≥ u): counts of rank sums by the generating function. */
function exactUpper(n: number, m: number, u: number): number {
  let counts: number[][] = Array.from({ length: n + 1 }, () => new Array<number>(n * m + 1).fill(0));
  (counts[0] as number[])[0] = 1;
  for (let rank = 1; rank <= n + m; rank++) {
    const next = counts.map((row) => [...row]);
    for (let k = 1; k <= Math.min(n, rank); k++) {
      // `a` takes the rank as its k-th: it beats rank − k of `b`.
      const gain = rank - k;
      if (gain > m) continue;
      for (let s = 0; s + gain <= n * m; s++)
        (next[k] as number[])[s + gain] =
          ((next[k] as number[])[s + gain] as number) + ((counts[k - 1] as number[])[s] as number);
    }
    counts = next;
  }
  const row = counts[n] as number[];
  return row.slice(Math.ceil(u)).reduce((a, b) => a + b, 0) / row.reduce((a, b) => a + b, 0);
}

/**
 * Two-sample Cramér–von Mises with its asymptotic p (Anderson and Darling 1952; Anderson 1962 for mean and variance).
 * @param lastTerm size of the last term of the limit distribution's series; scipy ends at 1e-7, which shows in p-values
 * below 1e-9
 */
export const cramerVonMises = sound(
  'cramerVonMises',
  (a: readonly number[], b: readonly number[], lastTerm: number = 1e-18): { statistic: number; p: number } => {
    const [n, m] = [a.length, b.length];
    const { ranks } = ranked([...a, ...b]);
    const part = (r: number[]) => [...r].sort((x, y) => x - y).reduce((s, x, i) => s + (x - (i + 1)) ** 2, 0);
    const u = n * part(ranks.slice(0, n)) + m * part(ranks.slice(n));
    const k = n * m;
    const total = n + m;
    const statistic = u / (k * total) - (4 * k - 1) / (6 * total);
    const mean = (1 + 1 / total) / 6;
    const variance = ((total + 1) * (4 * k * total - 3 * (n * n + m * m) - 2 * k)) / (45 * total * total * 4 * k);
    const normalised = 1 / 6 + (statistic - mean) / Math.sqrt(45 * variance);
    return { statistic, p: normalised < 0.003 ? 1 : Math.max(0, 1 - cvmCdf(normalised, lastTerm)) };
  },
);
/** Limit distribution of the statistic: the series with modified Bessel functions K_¼; K_ν by its integral. */
function cvmCdf(x: number, lastTerm: number): number {
  let sum = 0;
  // Γ(k + ½) / Γ(k + 1), by its recurrence
  let ratio = Math.sqrt(Math.PI);
  for (let k = 0; k < 50; k++) {
    if (k > 0) ratio *= (k - 0.5) / k;
    const u = ratio / (Math.PI ** 1.5 * Math.sqrt(x));
    const y = 4 * k + 1;
    const q = (y * y) / (16 * x);
    const term = u * Math.sqrt(y) * besselKScaled(0.25, q);
    sum += term;
    if (Math.abs(term) < lastTerm) break;
  }
  return sum;
}
/** e^{−q} K_ν(q) = ∫₀^∞ exp(−q (1 + cosh t)) cosh(ν t) dt. */
function besselKScaled(nu: number, q: number): number {
  // The trapezoidal rule converges doubly exponentially here: this step is beyond the precision of doubles.
  const h = 0.04;
  let sum = 0.5 * Math.exp(-2 * q);
  for (let t = h; ; t += h) {
    const f = Math.exp(-q * (1 + Math.cosh(t))) * Math.cosh(nu * t);
    sum += f;
    if (f < sum * 1e-18 || t > 60) break;
  }
  return sum * h;
}

/**
 * Anderson–Darling for two samples (Scholz and Stephens 1987, mid-rank form): p interpolated from their table, between
 * 0.001 and 0.25.
 */
export const andersonDarling = sound(
  'andersonDarling',
  (a: readonly number[], b: readonly number[]): { statistic: number; p: number } => {
    const samples = [a, b].map((s) => [...s].sort((x, y) => x - y));
    const all = [...a, ...b].sort((x, y) => x - y);
    const distinct = [...new Set(all)];
    const n = all.length;
    const count = (s: readonly number[], f: (x: number) => boolean) => s.filter(f).length;
    let statistic = 0;
    for (const s of samples) {
      let inner = 0;
      for (const z of distinct) {
        const l = count(all, (x) => x === z);
        const bj = count(all, (x) => x < z) + l / 2;
        const fij = count(s, (x) => x === z);
        const mij = count(s, (x) => x < z) + fij / 2;
        inner += ((l / n) * (n * mij - bj * s.length) ** 2) / (bj * (n - bj) - (n * l) / 4);
      }
      statistic += inner / s.length;
    }
    statistic *= (n - 1) / n;
    const k = 2;
    const H = samples.reduce((s, x) => s + 1 / x.length, 0);
    const hs = Array.from({ length: n - 1 }, (_, i) => 1 / (i + 1));
    const h = hs.reduce((x, y) => x + y, 0);
    let g = 0;
    let tail = 0;
    for (let i = n - 1; i >= 2; i--) {
      tail += 1 / i;
      g += tail / (n - i + 1);
    }
    const A = (4 * g - 6) * (k - 1) + (10 - 6 * g) * H;
    const B = (2 * g - 4) * k * k + 8 * h * k + (2 * g - 14 * h - 4) * H - 8 * h + 4 * g - 6;
    const C = (6 * h + 2 * g - 2) * k * k + (4 * h - 4 * g + 6) * k + (2 * h - 6) * H + 4 * h;
    const D = (2 * h + 6) * k * k - 4 * h * k;
    const variance = (A * n ** 3 + B * n * n + C * n + D) / ((n - 1) * (n - 2) * (n - 3));
    const m = k - 1;
    const a2 = (statistic - m) / Math.sqrt(variance);
    const b0 = [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085];
    const b1 = [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615];
    const b2 = [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154];
    const critical = b0.map((x, i) => x + (b1[i] as number) / Math.sqrt(m) + (b2[i] as number) / m);
    const logs = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001].map(Math.log);
    if (a2 < Math.min(...critical)) return { statistic: a2, p: 0.25 };
    if (a2 > Math.max(...critical)) return { statistic: a2, p: 0.001 };
    return { statistic: a2, p: Math.exp(quadraticFit(critical, logs, a2)) };
  },
);
/** Least squares of a parabola, evaluated at x. */
function quadraticFit(xs: readonly number[], ys: readonly number[], x: number): number {
  const s = (p: number) => xs.reduce((t, v) => t + v ** p, 0);
  const t = (p: number) => xs.reduce((sum, v, i) => sum + v ** p * (ys[i] as number), 0);
  const m = [
    [s(0), s(1), s(2), t(0)],
    [s(1), s(2), s(3), t(1)],
    [s(2), s(3), s(4), t(2)],
  ];
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      if (i === j) continue;
      const f = (m[j]?.[i] as number) / (m[i]?.[i] as number);
      for (let k = 0; k < 4; k++) (m[j] as number[])[k] = (m[j]?.[k] as number) - f * (m[i]?.[k] as number);
    }
  }
  const c = m.map((row, i) => (row[3] as number) / (row[i] as number));
  return (c[0] as number) + (c[1] as number) * x + (c[2] as number) * x * x;
}
