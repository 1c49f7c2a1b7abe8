import { describe, expect, it } from 'vitest';
import { applyPreprocessing } from './apply.ts';
import { type HashedNgrams, hashedNgrams } from './hashed-ngrams.ts';
import { operatorSchema } from './preprocessing.ts';

const op = (rest: Partial<HashedNgrams> = {}) =>
  operatorSchema.parse({
    op: 'hashed_ngrams',
    input: 'text',
    output: 'features',
    features: 64,
    ...rest,
  }) as HashedNgrams;
const row = (text: string, o: HashedNgrams) => {
  const out = new Float32Array(o.features);
  hashedNgrams(o, Buffer.from(text), out, 0);
  return [...out];
};

describe('hashed n-grams', () => {
  it('puts a word where FNV-1a and the Murmur finaliser put it', () => {
    // FNV-1a("spam") = 0x3fc85737 by the published algorithm; finalised and mod 64 by hand in another language
    let h = 0x811c9dc5;
    for (const b of Buffer.from('spam')) h = Math.imul(h ^ b, 0x01000193);
    h >>>= 0;
    let x = BigInt(h);
    const mask = 0xffffffffn;
    x ^= x >> 16n;
    x = (x * 0x85ebca6bn) & mask;
    x ^= x >> 13n;
    x = (x * 0xc2b2ae35n) & mask;
    x ^= x >> 16n;
    expect(row('spam', op({ norm: 'none', weighting: 'count' })).indexOf(1)).toBe(Number(x % 64n));
  });

  it('ignores case and punctuation by default', () => {
    expect(row('Buy NOW, now', op())).toEqual(row('buy now now', op()));
    expect(row('NOW', op({ lowercase: false }))).not.toEqual(row('now', op({ lowercase: false })));
  });

  it('counts bigrams in word order', () => {
    const pairs = op({ ngrams: [2], weighting: 'count', norm: 'none' });
    expect(row('a b c', pairs).reduce((s, v) => s + v, 0)).toBe(2);
    expect(row('a b', pairs)).not.toEqual(row('b a', pairs));
  });

  it('has length one after the L2 norm, and zero for a text without words', () => {
    expect(Math.hypot(...row('some words here', op()))).toBeCloseTo(1, 6);
    expect(row('... ---', op()).every((v) => v === 0)).toBe(true);
  });

  it('gives each row of a batch the same result as alone', () => {
    const texts = ['one text', 'another, longer text', ''];
    const batch = applyPreprocessing(
      [op()],
      new Map([['text', { kind: 'bytes', rows: 3, width: 1, values: texts.map((t) => Buffer.from(t)) }]]),
    ).get('features');
    const values = Array.from(batch?.values as Float32Array);
    for (const [i, t] of texts.entries()) expect(values.slice(i * 64, (i + 1) * 64)).toEqual(row(t, op()));
  });

  it('names the missing tensor in the error', () => {
    expect(() => applyPreprocessing([op({ input: 'body' })], new Map())).toThrow(
      'hashed_ngrams: there is no tensor "body"',
    );
  });
});
