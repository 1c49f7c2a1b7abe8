import { LatencyEvidence } from '@slipway/stats';
import { describe, expect, it } from 'vitest';
import { type Cut, latencyBuckets } from './latency-buckets.ts';

const cut = (latencies: number[]): Cut => {
  const found = latencyBuckets(latencies);
  if (!found.edges) throw new Error(`not cut: ${found.answers} answers`);
  return found;
};
const of = (n: number, value: (i: number) => number) => Array.from({ length: n }, (_, i) => value(i));
const bucket = ({ edges }: Cut, us: number) =>
  (edges.findIndex((e) => us <= e) + edges.length + 1) % (edges.length + 1);
/** The result for a candidate whose answers all take this long, beside control's own, 500 each. */
const evidence = (baseline: Cut, control: number[], candidate: number[]) => {
  const found = new LatencyEvidence(baseline.masses, 0, 500);
  const cell = (us: number) => baseline.masses.map((_, b) => Number(b === bucket(baseline, us)));
  control.forEach((us, second) =>
    found.add({ second, weight: 0.5, control: cell(us), candidate: cell(candidate[second] as number) }),
  );
  return found.valueAt(500);
};

describe('latencies with many equal values', () => {
  it('are cut into as many buckets as there are different quantiles', () => {
    expect(cut(of(1000, (i) => i + 1))).toMatchObject({ edges: [500, 900, 990], masses: [0.5, 0.4, 0.09, 0.01] });
    // rounded to milliseconds: nine in ten take 3, the others 4
    const rounded = cut(of(1000, (i) => (i % 10 === 0 ? 4000 : 3000)));
    expect([rounded.edges, rounded.quantiles]).toEqual([
      [3000, 4000],
      [3000, 3000, 4000],
    ]);
    expect(rounded.masses.every((m) => m > 0) && rounded.masses.length === 3).toBe(true);
  });
  it.each([
    ['all the same', () => 3000],
    ['two values', (i: number) => (i % 10 === 0 ? 4000 : 3000)],
  ])('distinguish a slower candidate from one that is not slower: %s', (_, value) => {
    const own = of(500, value);
    const baseline = cut(own);
    expect(evidence(baseline, own, own)).toBeLessThan(2);
    expect(
      evidence(
        baseline,
        own,
        own.map((us) => us + 1000),
      ),
    ).toBeGreaterThan(20);
  });
  it('are not available below 500 answers', () => {
    expect(latencyBuckets(of(499, () => 3000))).toEqual({ edges: null, answers: 499 });
  });
});
