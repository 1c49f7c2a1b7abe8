import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBytes, wellFormed } from '@slipway/core';
import { isPortable, portableJson } from './portable-json.ts';

describe('JSON that every reader accepts', () => {
  it.each([
    ['a surrogate pair', '{"a":"\\ud83d\\ude00"}', true],
    ['a lone high surrogate', '{"a":"\\ud83d"}', false],
    ['a lone low surrogate', '{"a":"\\ude00"}', false],
    ['a backslash before half of a surrogate pair', '{"a":"\\\\ud83d\\ude00"}', false],
    ['a backslash before text like a surrogate', '{"a":"\\\\ud83d"}', true],
    ['a NUL', '{"a":"\\u0000"}', true],
    ['a key twice', '{"a":1,"a":2}', true],
    ['a number beyond the range of doubles', '{"a":1e999}', false],
    ['an integer beyond 64 bits', '{"a":123456789012345678901}', false],
    ['deep nesting', `${'['.repeat(300)}${']'.repeat(300)}`, false],
  ])('%s', (_, json, portable) => {
    JSON.parse(json);
    expect(isPortable(Buffer.from(json))).toBe(portable);
  });
  it('has no lone surrogate and no integer beyond 64 bits, for any text and numbers in a row', () => {
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

describe('whether JSON is portable', () => {
  it('depends on numbers only, never on the text of strings: an id with digits is portable', () => {
    void fc.assert(
      fc.property(fc.uuid(), fc.bigInt({ min: 10n ** 18n, max: 10n ** 20n }), (uuid, flake) => {
        for (const id of [uuid, `1e999${uuid}`, String(flake), '[[{'.repeat(200)])
          expect(isPortable(Buffer.from(JSON.stringify({ id, inputs: [{ data: [id, 0.5] }] })))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
  // Expected results were taken from ClickHouse 26.7 (isValidJSON).
  it.each([
    ['1e-310', true],
    ['5e-324', true],
    ['1e-400', true],
    ['1e308', true],
    ['1.8e308', false],
    ['-1E+999', false],
    ['1E+0000000000000000000000005', true],
    [`1${'0'.repeat(320)}.0`, false],
    [`0.${'0'.repeat(400)}1`, true],
    ['12345678901234567890.5', true],
    ['9223372036854775808', true],
    ['18446744073709551615', true],
    ['18446744073709551616', false],
    ['-9223372036854775808', true],
    ['-9223372036854775809', false],
    ['-0', true],
  ])('%s', (number, portable) => {
    for (const json of [number, `[${number}]`, `{"a":"\\"","b":${number},"c":[1]}`])
      expect(isPortable(Buffer.from(json)), json).toBe(portable);
  });
  it('depends on lone surrogates anywhere in the text', () => {
    void fc.assert(
      fc.property(
        fc.array(fc.constantFrom('\\u', '\\\\', 'd83d', 'de00', '0041', '\\ud83d\\ude00', '\\n'), { maxLength: 8 }),
        (parts) => {
          const json = `["${parts.join('')}"]`;
          const parsed = parseBytes(Buffer.from(json));
          fc.pre(parsed !== undefined);
          const text = (parsed as { value: [string] }).value[0];
          expect(isPortable(Buffer.from(json)), json).toBe(text === wellFormed(text));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
