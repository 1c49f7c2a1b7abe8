import { describe, expect, it } from 'vitest';
import { designEffect } from './design-effect.ts';
import { judgeLoss } from './loss.ts';
import { contingencyTest } from '../distance/contingency.ts';
import { hellinger, jensenShannon } from '../distance/divergence.ts';
import { ksDistance, wasserstein } from '../distance/empirical.ts';
import { divergenceP, permutationP } from '../distance/significance.ts';
import { kolmogorovSurvival } from '../kernel/distributions.ts';
import { benjaminiHochberg } from '../multiplicity/multiplicity.ts';
import { psi } from './psi.ts';
import { judgeDrift } from './windows.ts';
import { random } from '../kernel/random.ts';

const next = random(11);
/** A sample over ten bins; `shift` moves mass to the higher ones. */
function sample(n: number, shift = 0): number[] {
  const out = new Array<number>(10).fill(0);
  for (let i = 0; i < n; i++) {
    const bin = Math.min(9, Math.floor(10 * next() ** (1 / (1 + shift))));
    out[bin] = (out[bin] as number) + 1;
  }
  return out;
}

describe('PSI', () => {
  it('is the sum over bins of (b − a) ln(b / a), by hand', () => {
    const { psi: index, bins } = psi([50, 50], [25, 75]);
    const a = 50.5 / 101;
    const b1 = 25.5 / 101;
    const b2 = 75.5 / 101;
    expect(index).toBeCloseTo((b1 - a) * Math.log(b1 / a) + (b2 - a) * Math.log(b2 / a), 14);
    expect(bins).toBe(2);
  });
  it('names what is wrong with its input', () => {
    expect(() => psi([1], [1, 2])).toThrow('1 reference bins, 2 current ones');
    expect(() => psi([0, 0], [1, 2])).toThrow('empty');
    expect(() => psi([Number.NaN, 1], [1, 2])).toThrow('is not a number');
  });
});

describe('without drift, at every size of the windows', () => {
  const alpha = 0.05;
  /** 5 %, plus three standard errors of a share over this many runs. */
  const nominal = (runs: number) => alpha + 3 * Math.sqrt((alpha * (1 - alpha)) / runs);
  const rate = (runs: number, p: () => number) =>
    Array.from({ length: runs }, p).filter((x) => x < alpha).length / runs;

  it.each([100, 300, 1000, 10_000])('windows of %d rows: histograms alarm in no more than 5 %%', (n) => {
    const runs = n > 1000 ? 150 : 600;
    const pairs = Array.from({ length: runs }, () => [sample(n), sample(n)] as const);
    for (const p of [
      ([a, b]) => psi(a, b).p,
      ([a, b]) => divergenceP('jensenShannon', jensenShannon(a, b), 10, n, n),
      ([a, b]) => divergenceP('hellinger', hellinger(a, b), 10, n, n),
      (table) => contingencyTest(table).p,
    ] satisfies ((pair: (typeof pairs)[number]) => number)[]) {
      expect(pairs.filter((pair) => p(pair) < alpha).length / runs).toBeLessThan(nominal(runs));
    }
  });
  it.each([100, 300, 1000, 10_000])('windows of %d rows: samples alarm in no more than 5 %%', (n) => {
    const draw = () => Array.from({ length: n }, () => next());
    const runs = n > 1000 ? 40 : 300;
    expect(rate(runs, () => kolmogorovSurvival(Math.sqrt(n / 2) * ksDistance(draw(), draw())))).toBeLessThan(
      nominal(runs),
    );
    if (n > 300) return;
    const few = n > 100 ? 40 : 100;
    expect(rate(few, () => permutationP(draw(), draw(), wasserstein, 99, Math.floor(next() * 1e9)))).toBeLessThan(
      nominal(few),
    );
  });
  it('and all of them detect drift', () => {
    const [a, b] = [sample(1000), sample(1000, 0.5)];
    for (const p of [
      psi(a, b).p,
      divergenceP('jensenShannon', jensenShannon(a, b), 10, 1000, 1000),
      divergenceP('hellinger', hellinger(a, b), 10, 1000, 1000),
      contingencyTest([a, b]).p,
    ])
      expect(p).toBeLessThan(1e-6);
    const [still, moved] = [0, 0.3].map((by) => Array.from({ length: 1000 }, () => next() + by)) as [
      number[],
      number[],
    ];
    expect(kolmogorovSurvival(Math.sqrt(1000 / 2) * ksDistance(still, moved))).toBeLessThan(1e-6);
    const [x, y] = [Array.from({ length: 100 }, () => next()), Array.from({ length: 100 }, () => next() + 0.3)];
    expect(permutationP(x, y, wasserstein)).toBe(0.001);
    expect(permutationP(x, y, wasserstein, 99, 5)).toBe(permutationP(x, y, wasserstein, 99, 5));
  });
});

describe('Benjamini-Hochberg', () => {
  it('finds the four of the paper', () => {
    const p = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
    ];
    expect(benjaminiHochberg(p, 0.05).filter(Boolean)).toHaveLength(4);
  });
});

const reference = sample(3000);
const window = (n: number, shift = 0) => ({
  features: [
    { feature: 'x', reference, current: sample(n, shift) },
    { feature: 'y', reference, current: sample(n) },
  ],
});

describe('drift', () => {
  it('is found when it lasts, and the feature is named', () => {
    expect(judgeDrift([window(500), window(500, 1), window(500, 1)])).toMatchObject({ state: 'moved', moved: ['x'] });
  });
  it('is not claimed from a single window', () =>
    expect(judgeDrift([window(500), window(500), window(500, 1)]).state).toBe('stable'));
  it('is neither claimed nor denied on too few rows', () => {
    const judged = judgeDrift([window(150, 1), window(150, 1), window(150, 1)]);
    expect(judged).toMatchObject({ state: 'insufficient_data', needed: 200, moved: [] });
  });
  it('reports missing windows when the newest one has enough rows', () => {
    const judged = judgeDrift([window(150), window(150), window(393)]);
    expect(judged).toMatchObject({ state: 'insufficient_data', rows: 393, windows: 1, windows_needed: 2 });
  });
  it('also needs an effect: a tiny shift in a huge sample is not drift', () => {
    expect(judgeDrift([window(50_000, 0.1), window(50_000, 0.1), window(50_000, 0.1)]).state).toBe('stable');
  });
});

/** A window of that many slices; rows come in bursts of similar rows. */
function bursty(rows: number, burst: number, slices = 5): number[][] {
  return Array.from({ length: slices }, () => {
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < rows / slices / burst; i++) {
      const bin = Math.floor(10 * next());
      counts[bin] = (counts[bin] as number) + burst;
    }
    return counts;
  });
}
const added = (slices: number[][]) => slices.reduce((a, b) => a.map((n, i) => n + (b[i] as number)));

describe('dependent rows', () => {
  it('count as fewer independent ones', () => {
    const mean = (burst: number) => {
      const all = Array.from({ length: 40 }, () => designEffect([1, 2, 3].map(() => bursty(3000, burst))));
      return all.reduce((a, b) => a + b) / all.length;
    };
    // Never below 1, so slightly above it for independent rows.
    expect(mean(1)).toBeLessThan(1.1);
    expect(mean(20)).toBeGreaterThan(18);
    expect(mean(20)).toBeLessThan(22);
  });
  it('are detected by slices with rows; a step between windows does not count, and one slice says nothing', () => {
    const even = [100, 100];
    const step = [
      [even, even],
      [
        [0, 200],
        [0, 200],
      ],
    ];
    expect(designEffect(step)).toBe(1);
    expect(designEffect([[even], [[0, 0], even]])).toBe(1);
    expect(designEffect([[even, [0, 200]]])).toBeGreaterThan(30);
    expect(() => designEffect([[even, [1, 2, 3]]])).toThrow('differ in their bins');
    expect(() => designEffect([[even, [-1, 2]]])).toThrow('negative');
  });
  it.each([1, 10, 30])('raise no alarm without drift, in bursts of %d, over many features and seeds', (burst) => {
    const uniform = new Array<number>(10).fill(2000);
    const runs = 40;
    let [significant, tested, moved] = [0, 0, 0];
    for (let run = 0; run < runs; run++) {
      const windows = Array.from({ length: 3 }, () => ({
        features: Array.from({ length: 10 }, (_, f) => {
          const slices = bursty(3000, burst);
          return { feature: `f${f}`, reference: uniform, current: added(slices), slices };
        }),
      }));
      const judged = judgeDrift(windows);
      moved += judged.moved.length;
      for (const f of judged.features) {
        tested++;
        if ((f.p ?? 1) < 0.05) significant++;
      }
    }
    expect(moved).toBe(0);
    expect(significant / tested).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / tested));
  });
  it('would raise alarms if they counted as independent', () => {
    const alarms = Array.from({ length: 100 }, () => added(bursty(3000, 30))).filter(
      (current) => psi(new Array<number>(10).fill(2000), current).p < 0.05,
    );
    expect(alarms.length).toBeGreaterThan(90);
  });
  it('do not hide a drift', () => {
    const far = (burst: number) => {
      const slices = bursty(3000, burst).map((c) => c.map((n, i) => (i < 5 ? n / 5 : n * 2)));
      return { features: [{ feature: 'x', reference: new Array(10).fill(2000), current: added(slices), slices }] };
    };
    expect(judgeDrift([far(10), far(10), far(10)])).toMatchObject({ state: 'moved', moved: ['x'] });
  });
});

describe('label loss', () => {
  const reference = { rows: 500, errors: 20 };
  it('is found when labels show it in two of three windows', () =>
    expect(
      judgeLoss(reference, [
        { rows: 300, errors: 12 },
        { rows: 300, errors: 40 },
        { rows: 300, errors: 45 },
      ]),
    ).toMatchObject({ state: 'lost' }));
  it('is not claimed from one bad window', () =>
    expect(
      judgeLoss(reference, [
        { rows: 300, errors: 12 },
        { rows: 300, errors: 12 },
        { rows: 300, errors: 45 },
      ]).state,
    ).toBe('as_before'));
  it('needs labels', () =>
    expect(
      judgeLoss(reference, [
        { rows: 20, errors: 20 },
        { rows: 20, errors: 20 },
      ]).state,
    ).toBe('insufficient_data'));
});
