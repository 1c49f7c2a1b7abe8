import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPortable, parseBytes, portableJson, wellFormed } from './portable-json.ts';

describe('JSON that every reader takes', () => {
  it.each([
    ['a surrogate pair', '{"a":"\\ud83d\\ude00"}', true],
    ['a lone high surrogate', '{"a":"\\ud83d"}', false],
    ['a lone low surrogate', '{"a":"\\ude00"}', false],
    ['a backslash before what looks like half a pair', '{"a":"\\\\ud83d\\ude00"}', false],
    ['a backslash before what looks like a surrogate', '{"a":"\\\\ud83d"}', true],
    ['a NUL', '{"a":"\\u0000"}', true],
    ['a key twice', '{"a":1,"a":2}', true],
    ['a number beyond doubles', '{"a":1e999}', false],
    ['an integer beyond 64 bits', '{"a":123456789012345678901}', false],
    ['deep nesting', `${'['.repeat(300)}${']'.repeat(300)}`, false],
  ])('%s', (_, json, portable) => {
    JSON.parse(json);
    expect(isPortable(Buffer.from(json))).toBe(portable);
  });
  it('has no lone surrogate and no integer beyond 64 bits, whatever text and numbers go into a row', () => {
    void fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.string({ unit: fc.constantFrom('\ud800', '\udfff', '\\', 'u', 'd', '8', '0', '"', '{', '1') }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (a, b, n) => {
          const text = portableJson({ a, b, n, big: 1e20 });
          expect(isPortable(Buffer.from(text)) || /\d[eE][+-]?\d{3}/.test(text) || /\d{19}/.test(a + b)).toBe(true);
          expect(text).not.toMatch(/"big":\d{19}/);
          expect(JSON.parse(text)).toEqual({
            a: wellFormed(a),
            b: wellFormed(b),
            n: Object.is(n, -0) ? 0 : n,
            big: 1e20,
          });
        },
      ),
      { numRuns: 500 },
    );
  });
  it('is UTF-8', () => {
    expect(parseBytes(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
    expect(parseBytes(Buffer.from('"é"'))).toEqual({ value: 'é' });
  });
});
