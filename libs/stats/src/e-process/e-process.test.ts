import { describe, expect, it } from 'vitest';
import { type CountCell, countEvidence, SAMPLE_RATIOS, WORSE_WHEN_FEWER, WORSE_WHEN_MORE } from './counts.ts';
import { type LatencyCell, latencyEvidence, shiftRatios } from './latency.ts';
import { random } from '../kernel/random.ts';

/**
 * Bernoulli events at `rate` for the control and `rate·ratio` for the candidate; weights 5 → 25 → 50 %, `seconds` each.
 */
function stream(
  seed: number,
  rate: number,
  ratio: number,
  perSecond: number,
  seconds: number,
  load: (t: number) => number = () => 1,
): CountCell[] {
  const u = random(seed);
  const cells: CountCell[] = [];
  [0.05, 0.25, 0.5].forEach((weight, step) => {
    for (let s = 0; s < seconds; s++) {
      const second = step * seconds + s;
      const cell = { second, weight, control: 0, candidate: 0 };
      for (let i = 0; i < perSecond; i++) {
        const candidate = u() < weight;
        const p = Math.min(1, rate * (candidate ? ratio : 1) * load(second));
        if (u() < p) cell[candidate ? 'candidate' : 'control']++;
      }
      cells.push(cell);
    }
  });
  return cells;
}

/** Whether the e-value exceeds 20 at any look, one look a second. */
function everPasses(cells: CountCell[], margin: number, length: number): boolean {
  for (let t = 5; t < length; t += 5)
    if (
      countEvidence(
        cells.filter((c) => c.second <= t),
        margin,
        WORSE_WHEN_MORE,
        0,
        length,
        t,
      ) >= 20
    )
      return true;
  return false;
}

describe('evidence from counts', () => {
  it('is one before the first event', () => {
    expect(countEvidence([], 1, WORSE_WHEN_MORE, 0, 100, 50)).toBeCloseTo(1, 12);
  });

  it('is the likelihood ratio of one alternative, by hand', () => {
    // one second, w = 1/4, 3 events of the candidate and 1 of the control, r = 2: 2³ / (1 + 1/4)⁴; half the stake is in
    // play at the start
    const e = countEvidence([{ second: 0, weight: 0.25, control: 1, candidate: 3 }], 1, [2], 0, 1e12, 0);
    expect(e).toBeCloseTo(0.5 * (8 / 1.25 ** 4) + 0.5, 9);
  });

  it('has mean 1 under the null: E[factor] = 1 for every alternative, with a margin too', () => {
    for (const margin of [1, 1.25]) {
      const w = 0.2;
      const p = (w * margin) / (1 + w * (margin - 1));
      const given = (candidate: number) =>
        countEvidence(
          [{ second: 0, weight: w, control: 1 - candidate, candidate }],
          margin,
          WORSE_WHEN_MORE,
          0,
          1e12,
          0,
        );
      expect(p * given(1) + (1 - p) * given(0)).toBeCloseTo(1, 9);
    }
  });

  it('rolls back an identical candidate in at most 5 % of rollouts, with a look every second', () => {
    const runs = 300;
    let false_ = 0;
    for (let seed = 1; seed <= runs; seed++) if (everPasses(stream(seed, 0.02, 1, 20, 60), 1, 180)) false_++;
    expect(false_ / runs).toBeLessThanOrEqual(0.05);
  });

  it('does not attribute an outage of both arms to the candidate', () => {
    const runs = 200;
    let false_ = 0;
    for (let seed = 1; seed <= runs; seed++)
      if (
        everPasses(
          stream(seed, 0.01, 1, 20, 60, (t) => (t > 60 && t < 90 ? 40 : 1)),
          1,
          180,
        )
      )
        false_++;
    expect(false_ / runs).toBeLessThanOrEqual(0.05);
  });

  it('finds a candidate that fails five times as often', () => {
    let found = 0;
    for (let seed = 1; seed <= 50; seed++) if (everPasses(stream(seed, 0.02, 5, 20, 60), 1, 180)) found++;
    expect(found).toBeGreaterThanOrEqual(48);
  });

  it('does not roll back a candidate that is worse by less than the margin', () => {
    let found = 0;
    for (let seed = 1; seed <= 200; seed++) if (everPasses(stream(seed, 0.05, 1.2, 20, 60), 1.25, 180)) found++;
    expect(found / 200).toBeLessThanOrEqual(0.05);
  });

  it('detects fewer conversions, and ignores more', () => {
    const fewer = stream(7, 0.2, 0.5, 40, 60);
    const more = stream(7, 0.2, 1.5, 40, 60);
    expect(countEvidence(fewer, 1, WORSE_WHEN_FEWER, 0, 180, 180)).toBeGreaterThan(20);
    expect(countEvidence(more, 1, WORSE_WHEN_FEWER, 0, 180, 180)).toBeLessThan(1);
  });

  it('detects a sample ratio that differs from the planned one', () => {
    const cells = Array.from({ length: 100 }, (_, second) => ({ second, weight: 0.5, control: 60, candidate: 40 }));
    expect(countEvidence(cells, 1, SAMPLE_RATIOS, 0, 100, 100)).toBeGreaterThan(1000);
  });

  it('stays finite for any counts', () => {
    const e = countEvidence(
      Array.from({ length: 100 }, (_, second) => ({ second, weight: 0.05, control: 0, candidate: 1e6 })),
      1,
      WORSE_WHEN_MORE,
      0,
      100,
      100,
    );
    expect(Number.isFinite(e)).toBe(true);
    expect(e).toBeGreaterThan(1e200);
  });
});

describe('evidence from latency', () => {
  const masses = [0.5, 0.4, 0.09, 0.01];
  it('moves mass upwards and keeps its sum', () => {
    const rho = shiftRatios(masses, 0.4);
    expect(rho.reduce((s, r, b) => s + r * (masses[b] as number), 0)).toBeCloseTo(1, 12);
    for (let b = 1; b < rho.length; b++) expect(rho[b] as number).toBeGreaterThan(rho[b - 1] as number);
  });

  const draw = (seed: number, candidateMasses: readonly number[]): LatencyCell[] => {
    const u = random(seed);
    const pick = (m: readonly number[]) => {
      let x = u();
      return Math.max(
        0,
        m.findIndex((p) => (x -= p) < 0),
      );
    };
    return Array.from({ length: 100 }, (_, second) => {
      const cell = { second, weight: 0.25, control: [0, 0, 0, 0], candidate: [0, 0, 0, 0] };
      for (let i = 0; i < 40; i++) {
        const candidate = u() < 0.25;
        const b = pick(candidate ? candidateMasses : masses);
        const arm = candidate ? cell.candidate : cell.control;
        arm[b] = (arm[b] as number) + 1;
      }
      return cell;
    });
  };
  it('detects a slower candidate, and neither an equal nor a faster one', () => {
    expect(latencyEvidence(draw(1, [0.3, 0.5, 0.15, 0.05]), masses, 0, 100, 100)).toBeGreaterThan(20);
    expect(latencyEvidence(draw(2, masses), masses, 0, 100, 100)).toBeLessThan(20);
    expect(latencyEvidence(draw(3, [0.7, 0.27, 0.025, 0.005]), masses, 0, 100, 100)).toBeLessThan(1);
  });
});
