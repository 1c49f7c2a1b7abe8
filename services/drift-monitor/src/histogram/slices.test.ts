import type { FeatureProfile } from '@slipway/model';
import { describe, expect, it } from 'vitest';
import { Binning, type Cell } from './binning.ts';
import { againstReference, betweenArms, binsId, type Group, type Slice, slicesOf, untold } from './slices.ts';

const feature = (name: string, side: 'input' | 'output', element = 0): FeatureProfile => ({
  ...{ name, side, tensor: name, measure: 'value', element, kind: 'numeric', edges: [0.5], counts: [50, 50, 0] },
});
const x = feature('x', 'input');
const p = feature('p', 'output');
const group = (change: Partial<Group> = {}): Group => ({
  ...{ rollout_id: 'r', arm: 'control', served_version: 'm:1', compared: true, rows: 10, inputs: 8, outputs: 10 },
  counts: { x: [3, 4], p: [10, 0] },
  ...change,
});
const slices = (...groups: Group[][]) =>
  new Map(groups.map((g, i): [number, Slice] => [i, { slice: i, seen: 1, groups: g }]));
const span = { last: 0, windows: 1, slices: 2 };

describe('a window', () => {
  it.each([
    [300_000, 5],
    [3_600_000, 60],
    [5000, 5],
    [6001, 1],
    [86_400_000, 1440],
  ])('of %d ms has %d slices, each of at most a minute when that divides it', (ms, n) => expect(slicesOf(ms)).toBe(n));
  it('adds up its slices; rows without a value are missing, and rows without features are left out', () => {
    const [window] = againstReference(
      [x, p],
      slices([group()], [group({ arm: 'green', served_version: 'm:2' })]),
      span,
    );
    expect(window?.features.map((f) => [f.current, f.slices])).toEqual([
      [
        [6, 8, 2],
        [
          [3, 4, 1],
          [3, 4, 1],
        ],
      ],
      [
        [20, 0, 0],
        [
          [10, 0, 0],
          [10, 0, 0],
        ],
      ],
    ]);
    expect(untold(slices([group()], [group()]), span)).toEqual({ rows: 20, inputs: 4, outputs: 0 });
  });
  it('compares arms by name, on randomised rows answered by their own arm', () => {
    const counted = slices(
      [group(), group({ arm: 'green', counts: { p: [1, 9] } }), group({ arm: 'blue', counts: { p: [2, 8] } })],
      [group({ compared: false }), group({ rollout_id: 'other' }), group({ arm: 'green', counts: { p: [0, 10] } })],
    );
    const [green] = betweenArms([p], counted, span, { rollout: 'r', control: 'control', arm: 'green' });
    expect([green?.features[0]?.reference, green?.features[0]?.current]).toEqual([
      [10, 0, 0],
      [1, 19, 0],
    ]);
    const [blue] = betweenArms([p], counted, span, { rollout: 'r', control: 'control', arm: 'blue' });
    expect(blue?.features[0]?.current).toEqual([2, 8, 0]);
  });
});

describe('bins', () => {
  it('have a name that depends on their edges, and not on the counts of the reference', () => {
    expect(binsId([{ ...x, counts: [1, 2, 3] }])).toBe(binsId([x]));
    expect(binsId([{ ...x, edges: [0.6] } as FeatureProfile])).not.toBe(binsId([x]));
  });
  it('are distinguished by place: elements of one tensor, and unseen categories', () => {
    const colour: FeatureProfile = {
      ...{ name: 'colour', side: 'input', tensor: 'colour', measure: 'code', element: 0, kind: 'categorical' },
      ...{ categories: ['a', 'b'], counts: [1, 1, 0, 0] },
    };
    const cell = (place: number, bin: number, n: number): Cell => ({
      ...{ rollout_id: '', arm: 'control', served_version: 'm:1', compared: true, place, bin, n },
    });
    // Places 0 to 2 are rows, inputs and outputs; of the second tensor the profile has elements 0 and 2.
    const features = [colour, feature('t', 'input', 0), { ...feature('t', 'input', 2), name: 't[2]' }];
    const [found] = new Binning(features).groups([
      ...[cell(0, 0, 9), cell(1, 0, 8), cell(2, 0, 7), cell(3, 0, 1), cell(3, 2, 2)],
      ...[cell(4, 1, 5), cell(5, 0, 3), cell(6, 0, 4)],
    ]);
    expect(found).toMatchObject({ rows: 9, inputs: 8, outputs: 7 });
    expect(found?.counts).toEqual({ colour: [0, 2, 1], t: [0, 5], 't[2]': [4, 0] });
  });
});
