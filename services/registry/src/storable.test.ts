import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { unstorable } from './storable.ts';

const nested = (depth: number, inner: string) =>
  JSON.parse(`${'['.repeat(depth)}${inner}${']'.repeat(depth)}`) as unknown;
const text = 'has a NUL or half of a surrogate pair';

describe('what cannot be stored', () => {
  it.each([
    [{ a: [{ b: 'x\0' }] }, `a.0.b: ${text}`],
    [{ a: { 'x\0': 1 } }, `a(a name): ${text}`],
    [{ a: '\ud800' }, `a: ${text}`],
    [{ a: '\ud83d\ude00', b: [null, 1, true], c: new Uint8Array(3) }, undefined],
  ])('is text that Postgres does not hold, wherever it is in %j', (value, at) => {
    expect(unstorable(value)).toBe(at);
  });

  it('is a value nested deeper than 64, whatever its depth', () => {
    expect(unstorable(nested(65, '1'))).toBeUndefined();
    expect(unstorable(nested(66, '1'))).toMatch(/^0\.0.*: is nested deeper than 64$/);
    expect(unstorable(nested(100_000, '"\\u0000"'))).toMatch(/: is nested deeper than 64$/);
    expect(unstorable(nested(60, '"\\u0000"'))).toMatch(/^0\.0.*: has a NUL/);
  });

  it('is not searched for in a byte stream, which refers to itself', () => {
    const stream = Readable.from([Buffer.from([0])]);
    expect(unstorable(Object.assign(stream, { self: stream }))).toBeUndefined();
  });
});
