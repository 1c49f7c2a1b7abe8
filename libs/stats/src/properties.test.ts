import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addValue,
  type CountCell,
  confidenceSequence,
  distributionBand,
  effectOf,
  EMPTY,
  fromSums,
  gaussianPosterior,
  judgeShadow,
  ksDistance,
  meanArm,
  mergeCells,
  mergeMoments,
  momentsOf,
  proportionArm,
  psi,
  quantileBand,
  ratioArm,
  sampleRatioTest,
  StatsError,
  trackAndStopShares,
  variance,
  wasserstein,
  welchTest,
  winsorise,
  WORSE_WHEN_MORE,
} from './index.ts';
import { countEvidence } from './e-process/counts.ts';
import { random } from './kernel/random.ts';

const options = { seed: 20261123, numRuns: 200 };
const value = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true });
const sample = fc.array(value, { minLength: 3, maxLength: 60 });
const close = (a: number, b: number, scale = 1) =>
  expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(a), Math.abs(b), scale));
const varied = (xs: number[]) => variance(momentsOf(xs)) > 1e-6;

describe('moments', () => {
  it('merged from parts equal the direct computation, in any order', () =>
    fc.assert(
      fc.property(sample, sample, sample, (a, b, c) => {
        const merged = mergeMoments(mergeMoments(momentsOf(a), momentsOf(b)), momentsOf(c));
        const direct = momentsOf([...c, ...a, ...b]);
        expect(merged.n).toBe(direct.n);
        close(merged.mean, direct.mean, 1e6);
        close(merged.m2, direct.m2, direct.m2);
        const one = [...a].reduce(addValue, EMPTY);
        close(one.m2, momentsOf(a).m2, momentsOf(a).m2);
      }),
      options,
    ));
});

describe('effects', () => {
  it('change sign when the arms are swapped, and follow the scale', () =>
    fc.assert(
      fc.property(
        sample.filter(varied),
        sample.filter(varied),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (a, b, k) => {
          const [x, y] = [meanArm(momentsOf(a)), meanArm(momentsOf(b))];
          const [there, back] = [effectOf(x, y, 'absolute'), effectOf(y, x, 'absolute')];
          close(there.estimate, -back.estimate, 1e6);
          close(there.se, back.se);
          const scaled = effectOf(
            meanArm(momentsOf(a.map((v) => v * k))),
            meanArm(momentsOf(b.map((v) => v * k))),
            'absolute',
          );
          close(welchTest(scaled, 0.05).pValue, welchTest(there, 0.05).pValue);
        },
      ),
      options,
    ));
  it('have an interval without zero exactly when p < α, fixed horizon or sequence, two-sided or one-sided', () =>
    fc.assert(
      fc.property(
        fc.double({ min: -8, max: 8, noNaN: true }),
        fc.double({ min: 0.01, max: 3, noNaN: true }),
        fc.integer({ min: 10, max: 100_000 }),
        fc.constantFrom(0.01, 0.05, 0.2),
        fc.constantFrom('two-sided' as const, 'greater' as const, 'less' as const),
        (estimate, se, n, alpha, alternative) => {
          for (const test of [
            welchTest({ estimate, se, df: n - 2, n }, alpha, alternative),
            confidenceSequence({ estimate, se, df: n - 2, n }, alpha, 5000, alternative),
          ]) {
            if (Math.abs(test.pValue - alpha) < 1e-9) continue;
            expect(test.ci[0] > 0 || test.ci[1] < 0).toBe(test.pValue < alpha);
            expect(Number.isNaN(test.pValue)).toBe(false);
          }
        },
      ),
      options,
    ));
});

describe('looking repeatedly', () => {
  it('rejects an identical treatment in at most α of the runs, at 100 looks', () => {
    const uniform = random(12345);
    const runs = 300;
    let rejected = 0;
    for (let run = 0; run < runs; run++) {
      let [c, t] = [0, 0];
      for (let look = 1; look <= 100; look++) {
        for (let i = 0; i < 50; i++) {
          c += uniform() < 0.3 ? 1 : 0;
          t += uniform() < 0.3 ? 1 : 0;
        }
        const n = look * 50;
        if (
          confidenceSequence(effectOf(proportionArm(n, c), proportionArm(n, t), 'absolute'), 0.05, 5000).pValue < 0.05
        ) {
          rejected++;
          break;
        }
      }
    }
    expect(rejected / runs).toBeLessThanOrEqual(0.05);
  });
});

describe('bands and counts', () => {
  it('of a whole distribution hold at every look, in all but α of the runs', () => {
    const uniform = random(99);
    let missed = 0;
    for (let run = 0; run < 60; run++) {
      const seen: number[] = [];
      let out = false;
      for (let n = 1; n <= 600 && !out; n++) {
        seen.push(uniform());
        if (n % 20 !== 0) continue;
        const sorted = [...seen].sort((a, b) => a - b);
        const d = Math.max(...sorted.map((x, i) => Math.max(Math.abs((i + 1) / n - x), Math.abs(i / n - x))));
        out = d > distributionBand(n, 0.1);
        const { lower, upper } = quantileBand(sorted, 0.9, 0.1);
        expect(out || (lower <= 0.9 && upper >= 0.9)).toBe(true);
      }
      missed += out ? 1 : 0;
    }
    expect(missed / 60).toBeLessThanOrEqual(0.1);
  });
  it('counted by several processes and merged, give the evidence of one process', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            second: fc.nat(100),
            weight: fc.constantFrom(0.05, 0.25),
            control: fc.nat(5),
            candidate: fc.nat(5),
          }),
          { maxLength: 80 },
        ),
        (cells) => {
          const [even, odd] = [cells.filter((_, i) => i % 2 === 0), cells.filter((_, i) => i % 2 === 1)];
          const of = (list: readonly CountCell[]) => countEvidence(list, 1.25, WORSE_WHEN_MORE, 0, 100, 100);
          close(Math.log(of(mergeCells(even, odd))), Math.log(of(mergeCells(cells))));
        },
      ),
      options,
    ));
});

describe('distances', () => {
  it('do not depend on the order, and scale as they should', () =>
    fc.assert(
      fc.property(sample, sample, fc.double({ min: 0.1, max: 10, noNaN: true }), (a, b, k) => {
        close(wasserstein(a, b), wasserstein([...b].reverse(), [...a].reverse()), 1e6);
        close(
          wasserstein(
            a.map((x) => x * k),
            b.map((x) => x * k),
          ),
          k * wasserstein(a, b),
          1e7,
        );
        expect(ksDistance(a, b)).toBe(ksDistance([...a].reverse(), b));
        expect(wasserstein(a, a)).toBe(0);
      }),
      options,
    ));
  it('of histograms stay finite whatever is empty', () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 2, maxLength: 12 }), (cells) => {
        const [r, c] = [cells.map(([x]) => x), cells.map(([, x]) => x)];
        if (r.every((x) => x === 0) || c.every((x) => x === 0)) return;
        const { psi: index, p } = psi(r, c);
        expect(Number.isFinite(index) && index >= 0 && p >= 0 && p <= 1).toBe(true);
      }),
      options,
    ));
});

describe('bad input gets a named error, never NaN', () => {
  it.each<[string, () => unknown, string]>([
    ['a value that is not finite', () => momentsOf([1, Number.NaN]), 'not_finite'],
    ['an empty arm', () => meanArm(momentsOf([])), 'empty_arm'],
    ['a one-unit arm', () => meanArm(momentsOf([5])), 'empty_arm'],
    ['sums that no values can have', () => fromSums(10, 100, 50), 'inconsistent_moments'],
    ['more successes than units', () => proportionArm(10, 11), 'out_of_range'],
    [
      'a ratio without denominators',
      () =>
        ratioArm({
          n: 5,
          numerator: { sum: 1, sumSquares: 1 },
          denominator: { sum: 0, sumSquares: 0 },
          sumProducts: 0,
        }),
      'empty_arm',
    ],
    [
      'a relative effect on a mean of 0',
      () => effectOf({ n: 10, mean: 0, variance: 1 }, { n: 10, mean: 1, variance: 1 }, 'relative'),
      'out_of_range',
    ],
    ['weights that sum to zero', () => wasserstein([1, 2], [1, 2], [0, 0]), 'invalid_weights'],
    ['a posterior without data', () => gaussianPosterior(0, 0, { alpha: 0.05 }), 'inconsistent_moments'],
    ['an α outside (0, 1)', () => welchTest({ estimate: 1, se: 1, df: 10, n: 12 }, 1.5), 'out_of_range'],
    ['more arms than weights', () => sampleRatioTest([1, 2, 3], [0.5, 0.5]), 'length_mismatch'],
    [
      'one arm for a bandit',
      () => trackAndStopShares([{ pulls: 1, mean: 0, variance: 1 }], { epsilon: 0, minProbability: 0 }),
      'empty_arm',
    ],
    ['caps in the wrong order', () => winsorise([1, 2, 3], 0.9, 0.1), 'out_of_range'],
  ])('%s', (_, call, code) => {
    let error: unknown;
    try {
      call();
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(StatsError);
    expect((error as StatsError).code).toBe(code);
  });
  it('constant metrics have an answer', () => {
    const constant = meanArm(momentsOf([5, 5, 5]));
    expect(welchTest(effectOf(constant, constant, 'absolute'), 0.05)).toMatchObject({ lift: 0, pValue: 1 });
    expect(
      JSON.stringify(
        judgeShadow({
          alpha: 0.05,
          step: 0,
          maxExcess: 0.1,
          noiseShare: 0.1,
          minPairs: 10,
          activeSeconds: 1,
          dwellSeconds: 0,
          counts: {
            sampled: 0,
            paired: 0,
            failed: 0,
            expired: 0,
            shed: 0,
            comparedRequests: 0,
            disagreedRequests: 0,
            compared: 0,
            disagreed: 0,
            noise: 0,
            noiseDisagreed: 0,
            computeSeconds: 0,
            price: 0,
          },
        }).numbers,
      ),
    ).not.toContain('NaN');
  });
});
