import { describe, expect, it } from 'vitest';
import { FairSample } from './sample.ts';

const sampled = (seed: number, n: number, capacity: number, mostBytes = 1e9, bytes = (_: number) => 1) => {
  const sample = new FairSample<number>(seed, capacity, mostBytes);
  for (let i = 0; i < n; i++) sample.offer(() => ({ value: i, bytes: bytes(i) }));
  return sample.values;
};

describe('a fair sample', () => {
  it('contains everything when that fits, and is the same for the same seed', () => {
    expect(sampled(1, 50, 100)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(sampled(1, 5000, 100)).toEqual(sampled(1, 5000, 100));
    expect(sampled(1, 5000, 100)).not.toEqual(sampled(2, 5000, 100));
  });
  it.each([
    ['of so many items', 1e9],
    ['of so many bytes', 250],
  ])('%s has early and late items alike', (_, mostBytes) => {
    const tenths = new Array<number>(10).fill(0);
    let total = 0;
    for (let seed = 0; seed < 200; seed++)
      for (const i of sampled(seed, 1000, 100, mostBytes, (i) => 1 + (i % 7))) {
        tenths[Math.floor(i / 100)] = (tenths[Math.floor(i / 100)] as number) + 1;
        total++;
      }
    // 99.9 % quantile for fair samples, with nine degrees of freedom.
    const chi2 = tenths.reduce((s, n) => s + (n - total / 10) ** 2 / (total / 10), 0);
    expect(chi2).toBeLessThan(27.9);
  });
  it('never holds more bytes than allowed, except for one large item', () => {
    const kept = sampled(3, 1000, 100, 50, () => 10);
    expect(kept.length).toBe(5);
    expect(sampled(3, 10, 100, 50, () => 1000)).toHaveLength(1);
  });
});
