import { describe, expect, it } from 'vitest';
import { random } from '../kernel/random.ts';
import { countEvidence, type CountCell, SAMPLE_RATIOS, WORSE_WHEN_MORE } from './counts.ts';
import { chanceOfCandidate, isCrossed, ReturningUnits, type Sighting } from './returning-units.ts';

const at = (share: number, arm: Sighting['arm']): Sighting => ({ share, arm });

describe('a returning unit', () => {
  it('joins with (w2 - w1) / (1 - w1) as a former control, and carries no information as a former candidate', () => {
    expect(chanceOfCandidate([], 0.25)).toBe(0.25);
    expect(chanceOfCandidate([at(0.05, 'control')], 0.25)).toBeCloseTo(0.2 / 0.95, 9);
    expect(chanceOfCandidate([at(0.05, 'candidate')], 0.25)).toBe(1);
    expect(chanceOfCandidate([at(0.05, 'control'), at(0.25, 'control')], 0.5)).toBeCloseTo(0.25 / 0.75, 9);
  });
  it('leaves with its part of the interval when the share falls; as a former control it carries no information', () => {
    expect(chanceOfCandidate([at(0.05, 'control'), at(0.25, 'candidate')], 0.15)).toBe(0.5);
    expect(chanceOfCandidate([at(0.25, 'candidate')], 0.05)).toBe(0.2);
    expect(chanceOfCandidate([at(0.25, 'control')], 0.05)).toBe(0);
    expect(chanceOfCandidate([at(0.25, 'candidate'), at(0.05, 'control')], 0.25)).toBe(1);
  });
  it('is crossed when it was control at or above a share at which it was the candidate', () => {
    expect(isCrossed([at(0.25, 'candidate'), at(0.25, 'control')])).toBe(true);
    expect(isCrossed([at(0.05, 'candidate'), at(0.25, 'control')])).toBe(true);
    expect(isCrossed([at(0.05, 'control'), at(0.25, 'candidate')])).toBe(false);
    expect(() => chanceOfCandidate([at(0.05, 'candidate'), at(0.25, 'control')], 0.5)).toThrow('a unit was control');
  });
  it('counts once a share, and not after an event at a share that it met later', () => {
    const units = new ReturningUnits();
    expect(units.exposed('a', at(0.05, 'control'))).toBe(0.05);
    expect(units.exposed('a', at(0.05, 'control'))).toBeUndefined();
    expect(units.exposed('a', at(0.5, 'candidate'))).toBeCloseTo(0.45 / 0.95, 9);
    expect(units.event('a', 0.5)).toBeCloseTo(0.45 / 0.95, 9);
    expect([units.event('a', 0.5), units.event('a', 0.05), units.event('b', 0.5)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('evidence over a ramp with returning units', () => {
  /** Exact expectation, over its point, of the wealth of one unit that errs in every step; 1 means no evidence. */
  function meanWealth(shares: readonly number[], ratio: number, chance: (before: Sighting[], w: number) => number) {
    const edges = [...new Set([0, ...shares, 1])].sort((a, b) => a - b);
    let mean = 0;
    for (let i = 1; i < edges.length; i++) {
      const [from, to] = [edges[i - 1] as number, edges[i] as number];
      const before: Sighting[] = [];
      let wealth = 1;
      for (const w of shares) {
        const arm = from < w ? 'candidate' : 'control';
        const c = chance(before, w);
        wealth *= (arm === 'candidate' ? ratio : 1) / (1 + c * (ratio - 1));
        before.push({ share: w, arm });
      }
      mean += (to - from) * wealth;
    }
    return mean;
  }
  const ladders = [
    [0.05, 0.25, 0.5],
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    [0.05, 0.25, 0.05, 0.25, 0.5],
    [0.4, 0.5, 0.2, 0.3],
  ];
  it.each(ladders.map((l) => [l]))('has mean exactly 1 for an identical candidate: %s', (shares) => {
    for (const ratio of [0.5, 1.25, 3, 30]) expect(meanWealth(shares, ratio, chanceOfCandidate)).toBeCloseTo(1, 7);
    // Counted as independent draws its mean is not 1.
    expect(meanWealth(shares, 3, (_, w) => w)).toBeGreaterThan(1.2);
  });
  it('still detects a failing candidate, from the units that join it', () => {
    const draw = random(5);
    const units = new ReturningUnits();
    const found = { exposures: [] as CountCell[], errors: [] as CountCell[] };
    const points = Array.from({ length: 300 }, draw);
    [0.05, 0.25, 0.5].forEach((share, step) => {
      points.forEach((point, u) => {
        const arm = point < share ? ('candidate' as const) : ('control' as const);
        const add = (into: CountCell[], weight: number | undefined) =>
          weight !== undefined &&
          into.push({ second: step, weight, control: Number(arm === 'control'), candidate: Number(arm !== 'control') });
        add(found.exposures, units.exposed(String(u), { share, arm }));
        if (step > 0 && (arm === 'candidate' || draw() < 0.01)) add(found.errors, units.event(String(u), share));
      });
    });
    expect(countEvidence(found.errors, 1, WORSE_WHEN_MORE, 0, 3, 3)).toBeGreaterThan(1e6);
    expect(countEvidence(found.exposures, 1, SAMPLE_RATIOS, 0, 3, 3)).toBeLessThan(20);
  });
});
