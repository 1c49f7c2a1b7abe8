import { requireCount, requireFinite, sound, StatsError } from '../errors.ts';

type Weighted = { x: number; w: number }[];

function sample(values: readonly number[], weights?: readonly number[]): Weighted {
  if (values.length === 0) throw new StatsError('empty_arm', 'a sample is empty');
  requireFinite('a value', ...values);
  const total = weights ? weights.reduce((a, b) => a + b, 0) : values.length;
  if (!(total > 0)) throw new StatsError('invalid_weights', 'the weights sum to zero');
  return values.map((x, i) => ({ x, w: (weights?.[i] ?? 1) / total })).sort((a, b) => a.x - b.x);
}

/** ∫ f(F − G) dx over the steps of both empirical distribution functions. */
function overSteps(u: Weighted, v: Weighted, f: (difference: number) => number): number {
  const points = [...u.map((p) => ({ x: p.x, d: p.w })), ...v.map((p) => ({ x: p.x, d: -p.w }))].sort(
    (a, b) => a.x - b.x,
  );
  let difference = 0;
  let sum = 0;
  points.forEach((p, i) => {
    difference += p.d;
    const next = points[i + 1];
    if (next) sum += f(difference) * (next.x - p.x);
  });
  return sum;
}

/** Wasserstein-1: ∫ |F − G|. */
export const wasserstein = sound(
  'wasserstein',
  (u: readonly number[], v: readonly number[], uWeights?: readonly number[], vWeights?: readonly number[]): number => {
    return overSteps(sample(u, uWeights), sample(v, vWeights), Math.abs);
  },
);
/** Energy distance: √(2 ∫ (F − G)²). */
export const energyDistance = sound(
  'energyDistance',
  (u: readonly number[], v: readonly number[], uWeights?: readonly number[], vWeights?: readonly number[]): number => {
    return Math.sqrt(2 * overSteps(sample(u, uWeights), sample(v, vWeights), (d) => d * d));
  },
);

/** Largest |F − G|. */
export const ksDistance = sound('ksDistance', (a: readonly number[], b: readonly number[]): number => {
  const [x, y] = [sample(a), sample(b)];
  let [i, j, d] = [0, 0, 0];
  while (i < x.length && j < y.length) {
    const at = Math.min((x[i] as { x: number }).x, (y[j] as { x: number }).x);
    while (i < x.length && (x[i] as { x: number }).x <= at) i++;
    while (j < y.length && (y[j] as { x: number }).x <= at) j++;
    d = Math.max(d, Math.abs(i / x.length - j / y.length));
  }
  return d;
});

/**
 * Exact two-sided p of the two-sample Kolmogorov–Smirnov distance, by counting lattice paths (Hodges 1958); for sizes
 * up to a few thousand.
 */
export const ksExactP = sound('ksExactP', (n: number, m: number, d: number): number => {
  // A path stays inside while |i/n − j/m| < d; with integers |i m − j n| < h.
  requireCount('a sample size', n, m);
  if (n < 1 || m < 1) throw new StatsError('empty_arm', 'a sample is empty');
  if (n * m > 1e8)
    throw new StatsError(
      'out_of_range',
      `the exact p-value is for samples of up to a few thousand, not ${n} and ${m}: use Kolmogorov's limit`,
    );
  const h = Math.round(d * n * m);
  let row = new Float64Array(m + 1);
  row[0] = 1;
  for (let j = 1; j <= m; j++) row[j] = j * n < h ? 1 : 0;
  // Weighted so that no number overflows: row i holds counts over binomial(i + j, j).
  for (let i = 1; i <= n; i++) {
    const next = new Float64Array(m + 1);
    for (let j = 0; j <= m; j++) {
      if (Math.abs(i * m - j * n) >= h) continue;
      next[j] = ((row[j] as number) * i + (j > 0 ? (next[j - 1] as number) * j : 0)) / (i + j);
    }
    row = next;
  }
  return outside(n, m, h, row[m] as number);
});
/** 1 − inside loses digits when p is small: then the leaving paths are counted, by where they leave first. */
function outside(n: number, m: number, h: number, inside: number): number {
  if (inside < 0.999) return 1 - inside;
  let row = new Float64Array(m + 1);
  for (let j = 0; j <= m; j++) row[j] = j * n >= h ? 1 : 0;
  for (let i = 1; i <= n; i++) {
    const next = new Float64Array(m + 1);
    for (let j = 0; j <= m; j++) {
      next[j] =
        Math.abs(i * m - j * n) >= h
          ? 1
          : ((row[j] as number) * i + (j > 0 ? (next[j - 1] as number) * j : 0)) / (i + j);
    }
    row = next;
  }
  return row[m] as number;
}

/** c(α) √((n + m)/(n m)), c(α) = √(−½ ln(α/2)). */
export const ksCritical = sound('ksCritical', (alpha: number, n: number, m: number): number => {
  return Math.sqrt(-0.5 * Math.log(alpha / 2)) * Math.sqrt((n + m) / (n * m));
});
