import { binOf } from './features.ts';
import { type Signature } from '../signature/signature.ts';
import { type SnapshotRow, snapshotRowSchema } from './profile.ts';
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
    expect([
      binOf(feature('output.class'), '7'),
      binOf(feature('output.class'), null),
      binOf(feature('input.age'), null),
    ]).toEqual([2, 3, 10]);
  });
  it('merges equal edges, and has no feature for a tensor without rows', () => {
    const constant = buildProfile(
      '0'.repeat(64),
      signature,
      [1, 2, 3].map(() => snapshotRowSchema.parse({ inputs: { age: 5 } })),
    );
    expect(constant?.features).toEqual([
      { name: 'input.age', side: 'input', tensor: 'age', measure: 'value', kind: 'numeric', edges: [], counts: [3, 0] },
    ]);
    expect(buildProfile('0'.repeat(64), signature, [])).toBeNull();
  });
});
