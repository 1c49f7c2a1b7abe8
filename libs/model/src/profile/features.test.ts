import { describe, expect, it } from 'vitest';
import { codeOf, countBins, featuresOf, leavesOf, MAX_FEATURES_BYTES, textMeasures } from './features.ts';
import type { FeatureProfile } from './profile.ts';

const numeric = (name: string, elements: unknown[]) => ({ name, isText: false, elements });
const text = (name: string, elements: unknown[]) => ({ name, isText: true, elements });

const numericFeature = (edges: number[]): FeatureProfile => ({
  ...{ name: 'x', side: 'input', tensor: 'x', measure: 'value', element: 0, kind: 'numeric', edges },
  counts: new Array<number>(edges.length + 2).fill(0),
});

describe('the features of an instance', () => {
  it('are the elements of its numeric tensors; an element that is not a number has no value', () => {
    const elements = [1.5, true, false, null, 'x', 1e300, { digits: '12' }, Number.NaN];
    expect(featuresOf('input', [numeric('x', elements)])).toEqual({
      'input.x': [1.5, 1, 0, null, null, null, 12, null],
    });
  });
  it('are mean and deviation of a tensor with many elements', () => {
    expect(
      featuresOf('output', [
        numeric(
          'x',
          Array.from({ length: 200 }, (_, i) => i % 2),
        ),
      ]),
    ).toEqual({
      'output.x.mean': [0.5],
      'output.x.deviation': [0.5],
    });
  });
  it('are size, shape and code of its texts', () => {
    const found = featuresOf('input', [text('t', ['Win $$$ NOW http://a.b', '', null])]);
    expect(Object.keys(found)).toEqual(
      ['bytes', 'words', 'digit_share', 'upper_share', 'links', 'code'].map((m) => `input.t.${m}`),
    );
    expect([found['input.t.bytes'], found['input.t.words'], found['input.t.links']]).toEqual([
      [22, 0, null],
      [4, 0, null],
      [1, 0, null],
    ]);
    expect(found['input.t.code']).toEqual([codeOf('Win $$$ NOW http://a.b'), null, null]);
  });
  it('are bounded, whatever a request contains', () => {
    const many = Array.from({ length: 500 }, (_, i) => text(`t${i}`.padEnd(120, 'ä'), ['x']));
    const most = featuresOf('input', [...many, numeric('x', new Array(128).fill(-1.1754943508222875e-38))]);
    expect(Buffer.byteLength(JSON.stringify(most))).toBeLessThan(MAX_FEATURES_BYTES);
    expect(
      featuresOf(
        'input',
        ['a"b', 'a\\b', 'a\nb', '\ud800', '', 'y'.repeat(129)].map((n) => numeric(n, [1])),
      ),
    ).toEqual({});
    expect(Object.keys(featuresOf('input', [numeric('__proto__', [1])]))).toEqual(['input.__proto__']);
  });
});

describe('a text', () => {
  it('is measured in one pass; its size over all of it, its shape over the first 4,096 characters', () => {
    expect(textMeasures('12345 67890\n\tA é')).toEqual({
      ...{ bytes: 17, words: 4, digit_share: 0.625, upper_share: 0.0625, links: 0 },
    });
    expect(textMeasures('a '.repeat(10_000))).toMatchObject({ bytes: 20_000, words: 2048 });
  });
  it('has a 24-bit code that distinguishes categories', () => {
    const codes = new Set(Array.from({ length: 1000 }, (_, i) => codeOf(`category ${i}`)));
    expect(codes.size).toBeGreaterThan(997);
    expect([...codes].every((c) => c >= 0 && c < 2 ** 24 && Math.fround(c) === c)).toBe(true);
  });
});

it.each([
  ['evenly', [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]],
  ['closely, far from others', [-1e30, 1, 1.0000001, 1.0000002, 2, 1e30]],
  ['once', [5]],
  ['never', []],
] as const)('a value falls into the bin of the edges below it, cut %s', (_, edges) => {
  const feature = numericFeature([...edges]);
  const around = edges.flatMap((e) => [e, e - 1e-7, e + 1e-7, e * (1 + 1e-6), e * (1 - 1e-6)]);
  for (const x of [...around, 0, -0, 0.55, 1e9, -1e9, 3e38, -3e38, Number.MIN_VALUE]) {
    const bin = edges.filter((e) => Math.fround(x) > Math.fround(e)).length;
    expect([x, countBins(feature, [x]).indexOf(1)]).toEqual([x, bin]);
  }
});

it('a list gives its first leaves, row by row, however it is nested', () => {
  expect(leavesOf([[1, [2, 3]], [4]], 3)).toEqual([1, 2, 3]);
  expect(leavesOf('text', 3)).toEqual(['text']);
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(leavesOf(deep, 3)).toHaveLength(1);
});
