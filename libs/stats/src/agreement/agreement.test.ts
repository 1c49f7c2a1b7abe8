import { describe, expect, it } from 'vitest';
import { chiSquareSurvival, lnGamma } from '../kernel/gamma.ts';
import { judgeShadow, type ShadowCounts } from './judge-shadow.ts';
import { rateBounds } from './rate-bounds.ts';
import { random } from '../kernel/random.ts';

const counts = (change: Partial<ShadowCounts>): ShadowCounts => ({
  sampled: 1000,
  paired: 1000,
  failed: 0,
  expired: 0,
  shed: 0,
  comparedRequests: 1000,
  disagreedRequests: 10,
  compared: 1000,
  disagreed: 10,
  noise: 100,
  noiseDisagreed: 0,
  computeSeconds: 1,
  price: 0,
  ...change,
});
const look = (change: Partial<ShadowCounts>, rest: object = {}) =>
  judgeShadow({
    alpha: 0.05,
    step: 0,
    maxExcess: 0.05,
    noiseShare: 0.1,
    minPairs: 200,
    activeSeconds: 60,
    dwellSeconds: 10,
    counts: counts(change),
    ...rest,
  });

describe('the kernel', () => {
  it('gives known values of Γ and of the tail of χ² (math.lgamma; the defining integral)', () => {
    expect(lnGamma(0.5)).toBeCloseTo(0.5723649429247001, 13);
    expect(lnGamma(100.25)).toBeCloseTo(360.2845596377643, 9);
    expect(chiSquareSurvival(16.918977604620448, 9)).toBeCloseTo(0.05, 12);
    expect(chiSquareSurvival(100, 9) / 1.5735176e-17).toBeCloseTo(1, 5);
    expect(chiSquareSurvival(3, 20)).toBeCloseTo(0.9999959024990236, 12);
  });
});

describe('bounds on a rate', () => {
  it('contain the true rate at every one of 2,000 looks, in all but α of the runs', () => {
    const next = random(7);
    const runs = 400;
    for (const p of [0.01, 0.1]) {
      let missed = 0;
      for (let run = 0; run < runs; run++) {
        let s = 0;
        for (let n = 1; n <= 2000; n++) {
          s += next() < p ? 1 : 0;
          if (n % 10 !== 0) continue;
          const { lower, upper } = rateBounds(s, n, 0.1);
          if (p < lower || p > upper) {
            missed++;
            break;
          }
        }
      }
      expect(missed / runs).toBeLessThanOrEqual(0.1);
    }
  });
  it('shrink around the estimate, and are 0 and 1 without trials', () => {
    expect(rateBounds(0, 0, 0.05)).toEqual({ lower: 0, upper: 1 });
    const wide = rateBounds(10, 100, 0.05);
    const narrow = rateBounds(1000, 10_000, 0.05);
    expect(wide.lower).toBeLessThan(narrow.lower);
    expect(narrow.lower).toBeLessThan(0.1);
    expect(narrow.upper).toBeGreaterThan(0.1);
    expect(narrow.upper).toBeLessThan(wide.upper);
    expect(() => rateBounds(3, 2, 0.05)).toThrow('3 events of 2 trials');
  });
});

describe('the verdict on a shadow', () => {
  it('advances when the bound of the excess is within the limit', () =>
    expect(look({})).toMatchObject({ verdict: 'advance', reasons: ['within_limit'] }));
  it('rolls back when even the lower bound is beyond it', () =>
    expect(look({ disagreed: 250 })).toMatchObject({ verdict: 'rollBack', reasons: ['excess_disagreement'] }));
  it("does not count what control's own noise explains", () =>
    expect(look({ disagreed: 150, noise: 1000, noiseDisagreed: 150 }).verdict).not.toBe('rollBack'));
  it('holds while the limit is within the bounds of the excess', () =>
    expect(look({ disagreed: 40 })).toMatchObject({ verdict: 'hold', reasons: ['in_doubt:disagreement'] }));
  it('holds on too few pairs, and says how many are missing', () => {
    const { verdict, sentence } = look({ paired: 150, compared: 150, disagreed: 0 });
    expect([verdict, sentence.includes('50 more pairs are needed, about 20 s')]).toEqual(['hold', true]);
  });
  it('holds when most of the sample was never compared', () =>
    expect(look({ sampled: 3000, expired: 2000 }).reasons).toContain('low_coverage'));
  it('states how many answers are the first to their unit', () =>
    expect(look({ compared: 400, disagreed: 4 }).sentence).toContain(
      'differs in 4 of 400 answers (the first of each unit; 1000 requests in all), control',
    ));
  it('does not advance a candidate that goes wrong after the first request of each unit', () => {
    const { verdict, reasons, sentence } = look({ compared: 300, disagreed: 0, disagreedRequests: 600 });
    expect([verdict, reasons]).toEqual(['hold', ['repeats_disagree']]);
    expect(sentence).toContain('of all 1000 compared requests 600 differ, more than allowed');
  });
  it('says that units are missing when the same units come again and again', () =>
    expect(look({ compared: 40, disagreed: 0 }).sentence).toContain(
      'more units are needed (40 so far); more requests from the same units do not help',
    ));
  it('has no bound on noise before a trial was answered twice, and no allowance when nobody measures it', () => {
    const quick = { compared: 6, comparedRequests: 6, disagreed: 5, disagreedRequests: 5, noise: 0 };
    expect(look(quick).verdict).toBe('hold');
    expect(look(quick, { noiseShare: 0 }).verdict).toBe('rollBack');
    const many = { compared: 100, comparedRequests: 100, disagreed: 60, disagreedRequests: 60, noise: 0 };
    expect(look(many).verdict).toBe('rollBack');
  });
  it.each([0.2, 0.5])('rolls back a candidate that is as noisy as control (%d) in at most α of the runs', (own) => {
    const next = random(11);
    const runs = 120;
    let rolledBack = 0;
    for (let run = 0; run < runs; run++) {
      const c = { compared: 0, disagreed: 0, noise: 0, noiseDisagreed: 0 };
      for (let n = 1; n <= 400; n++) {
        c.compared++;
        c.disagreed += next() < own ? 1 : 0;
        if (next() < 0.1) {
          c.noise++;
          c.noiseDisagreed += next() < own ? 1 : 0;
        }
        const requests = { comparedRequests: n, disagreedRequests: c.disagreed, sampled: n, paired: n };
        if (look({ ...c, ...requests }).verdict === 'rollBack') {
          rolledBack++;
          break;
        }
      }
    }
    expect(rolledBack / runs).toBeLessThanOrEqual(0.05);
  });
  it('counts sampled requests without a result as pending', () =>
    expect(look({ sampled: 1100 }).numbers.pending).toBe(100));
});
