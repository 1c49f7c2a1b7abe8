import { describe, expect, it } from 'vitest';
import { judgeLoss } from './loss.ts';
import { benjaminiHochberg } from '../multiplicity/multiplicity.ts';
import { psi } from './psi.ts';
import { judgeDrift } from './windows.ts';
import { random } from '../random.fixture.ts';

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
  it.each([100, 300, 1000, 10_000])('without drift alarms in about 5 % of windows of %d rows', (n) => {
    const runs = n > 1000 ? 150 : 600;
    const alarms = Array.from({ length: runs }, () => psi(sample(n), sample(n)).p < 0.05).filter(Boolean).length / runs;
    expect(alarms).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs));
  });
  it('names what is wrong with its input', () => {
    expect(() => psi([1], [1, 2])).toThrow('1 reference bins, 2 current ones');
    expect(() => psi([0, 0], [1, 2])).toThrow('empty');
    expect(() => psi([Number.NaN, 1], [1, 2])).toThrow('is not a number');
  });
});

describe('Benjamini-Hochberg', () => {
  it('finds the four of the paper', () => {
    const p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1];
    expect(benjaminiHochberg(p, 0.05).filter(Boolean)).toHaveLength(4);
  });
});

const reference = sample(3000);
const window = (n: number, shift = 0) => ({ features: [{ feature: 'x', reference, current: sample(n, shift) }, { feature: 'y', reference, current: sample(n) }] });

describe('drift', () => {
  it('is found when it lasts, and the feature is named', () => {
    expect(judgeDrift([window(500), window(500, 1), window(500, 1)])).toMatchObject({ state: 'moved', moved: ['x'] });
  });
  it('is no drift in a single window', () => expect(judgeDrift([window(500), window(500), window(500, 1)]).state).toBe('stable'));
  it('is not claimed, nor denied, on too few rows', () => {
    const judged = judgeDrift([window(150, 1), window(150, 1), window(150, 1)]);
    expect(judged).toMatchObject({ state: 'insufficient_data', needed: 200, moved: [] });
  });
  it('is a matter of effect too: a tiny shift in a huge sample is none', () => {
    expect(judgeDrift([window(50_000, 0.1), window(50_000, 0.1), window(50_000, 0.1)]).state).toBe('stable');
  });
});

describe('label loss', () => {
  const reference = { rows: 500, errors: 20 };
  it('is found when labels say so in two of three windows', () => expect(judgeLoss(reference, [{ rows: 300, errors: 12 }, { rows: 300, errors: 40 }, { rows: 300, errors: 45 }])).toMatchObject({ state: 'lost' }));
  it('is not one bad window', () => expect(judgeLoss(reference, [{ rows: 300, errors: 12 }, { rows: 300, errors: 12 }, { rows: 300, errors: 45 }]).state).toBe('as_before'));
  it('needs labels', () => expect(judgeLoss(reference, [{ rows: 20, errors: 20 }, { rows: 20, errors: 20 }]).state).toBe('insufficient_data'));
});
