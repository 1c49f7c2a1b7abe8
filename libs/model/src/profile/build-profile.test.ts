import { countBins } from './features.ts';
import { type Signature } from '../signature/signature.ts';
import { type FeatureProfile, type SnapshotRow, snapshotRowSchema } from './profile.ts';
import { describe, expect, it } from 'vitest';
import { buildProfile } from './build-profile.ts';

const signature: Signature = {
  inputs: [
    { name: 'text', datatype: 'BYTES', shape: [-1, 1] },
    { name: 'age', datatype: 'FP32', shape: [-1, 1] },
  ],
  outputs: [
    { name: 'p', datatype: 'FP32', shape: [-1, 1] },
    { name: 'class', datatype: 'INT64', shape: [-1, 1] },
  ],
};
const rows: SnapshotRow[] = Array.from({ length: 1000 }, (_, i) =>
  snapshotRowSchema.parse({
    split: i % 5 === 0 ? 'validation' : 'train',
    inputs: { text: `mail ${i} HTTP http ${'x'.repeat(i % 40)}`, age: i },
    ...(i % 5 === 0 ? { outputs: { p: i / 1000, class: i % 2 }, outcomes: { label: i % 10 === 0 ? 0 : 1 } } : {}),
  }),
);
const profile = buildProfile('0'.repeat(64), signature, rows);
const feature = (name: string) => {
  const found = profile?.features.find((f) => f.name === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};

describe('the reference profile', () => {
  it('lists only the most common outcomes when the rows have many different ones', () => {
    const own = rows.map((r, i) => ({
      ...r,
      outcomes: { ...r.outcomes, ...Object.fromEntries(Array.from({ length: 40 }, (_, k) => [`o${i}-${k}`, 1])) },
    }));
    const losses = buildProfile('0'.repeat(64), signature, own)?.losses ?? [];
    expect(losses).toHaveLength(32);
    expect(losses).toContainEqual(profile?.losses[0]);
  });
  it('bins numbers at their deciles, so that each bin holds a tenth', () => {
    expect(feature('input.age').counts).toEqual([101, 100, 100, 100, 100, 100, 100, 100, 100, 99, 0]);
  });
  it('profiles texts, and outputs on held-out rows only', () => {
    expect(profile?.features.map((f) => f.name)).toEqual([
      'input.text.bytes',
      'input.text.words',
      'input.text.digit_share',
      'input.text.upper_share',
      'input.text.links',
      'input.age',
      'output.p',
      'output.class',
    ]);
    expect(feature('output.class')).toMatchObject({
      kind: 'categorical',
      categories: ['0', '1'],
      counts: [100, 100, 0, 0],
    });
  });
  it('counts how often an output differed from the outcome', () => {
    expect(profile?.losses).toEqual([{ outcome: 'label', output: 'class', rows: 200, errors: 0 }]);
  });
  it('counts unseen categories and missing values in bins of their own', () => {
    expect(countBins(feature('output.class'), [7, null, 1, 1, Number.NaN])).toEqual([0, 2, 1, 2]);
    expect(countBins(feature('input.age'), [null, -1, 1e9]).map((n, i) => n && i)).toEqual([
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 10],
    ]);
  });
  it('has a feature for each element of a tensor, in whatever rank the snapshot writes it', () => {
    const cubes: Signature = {
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [-1, 2, 2] },
        { name: 'tags', datatype: 'BYTES', shape: [-1, 2] },
        { name: 'image', datatype: 'UINT8', shape: [-1, 20, 20] },
      ],
      outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 3] }],
    };
    const made = buildProfile(
      '0'.repeat(64),
      cubes,
      Array.from({ length: 60 }, (_, i) =>
        snapshotRowSchema.parse({
          split: 'validation',
          inputs: {
            x:
              i % 2
                ? [i, 1, 2, 3]
                : [
                    [i, 1],
                    [2, 3],
                  ],
            tags: [i % 3 ? 'a' : 'b', { json: i % 2 }],
            image: Array.from({ length: 400 }, (_, k) => (i * k) % 256),
          },
          outputs: { p: [0.1, 0.2, i / 100] },
        }),
      ),
    );
    expect(made?.features.map((f) => f.name)).toEqual([
      ...['input.x[0]', 'input.x[1]', 'input.x[2]', 'input.x[3]', 'input.tags[0]', 'input.tags[1]'],
      ...['input.image.mean', 'input.image.deviation', 'output.p[0]', 'output.p[1]', 'output.p[2]'],
    ]);
    expect(made?.features[0]?.counts).toEqual([7, 6, 6, 6, 6, 6, 6, 6, 6, 5, 0]);
    expect(made?.features[5]).toMatchObject({ categories: ['{"json":0}', '{"json":1}'], counts: [30, 30, 0, 0] });
  });
  it('has at most 256 features, outputs included, and reports how many it leaves out', () => {
    const wide = (name: string) => ({ name, datatype: 'FP32' as const, shape: [-1, 128] });
    const inputs = Object.fromEntries(['a', 'b', 'c'].map((n) => [n, Array.from({ length: 128 }, (_, k) => k / 7)]));
    const made = buildProfile('0'.repeat(64), { inputs: ['a', 'b', 'c'].map(wide), outputs: signature.outputs }, [
      snapshotRowSchema.parse({ split: 'validation', inputs, outputs: { p: 0.5, class: 1 } }),
    ]);
    expect([made?.features.length, made?.left_out, made?.features.slice(-2).map((f) => f.name)]).toEqual([
      ...[256, 130, ['output.p', 'output.class']],
    ]);
  });
  it('bins and counts numbers as ClickHouse stores them, in 32 bits', () => {
    const tenths = Array.from({ length: 100 }, (_, i) => snapshotRowSchema.parse({ inputs: { age: (i % 10) / 10 } }));
    const made = buildProfile('0'.repeat(64), signature, tenths)?.features[0] as FeatureProfile;
    expect(made.counts).toEqual([20, 10, 10, 10, 10, 10, 10, 10, 10, 0]);
    expect(countBins(made, [0.7, Math.fround(0.7)])).toEqual([0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
  });
  it('merges equal edges, and has no feature for a tensor without rows', () => {
    const constant = buildProfile(
      '0'.repeat(64),
      signature,
      [1, 2, 3].map(() => snapshotRowSchema.parse({ inputs: { age: 5 } })),
    );
    expect(constant?.features).toEqual([
      {
        ...{ name: 'input.age', side: 'input', tensor: 'age', measure: 'value', element: 0, kind: 'numeric' },
        ...{ edges: [], counts: [3, 0] },
      },
    ]);
    expect(buildProfile('0'.repeat(64), signature, [])).toBeNull();
  });
});
