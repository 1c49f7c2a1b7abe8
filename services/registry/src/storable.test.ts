import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { unstorableText } from './storable.ts';

describe('text that Postgres cannot store', () => {
  it.each([
    [{ a: [{ b: 'x\0' }] }, 'a.0.b'],
    [{ a: { 'x\0': 1 } }, 'a(a name)'],
    [{ a: '\ud800' }, 'a'],
    [{ a: '\ud83d\ude00', b: [null, 1, true], c: new Uint8Array(3) }, undefined],
  ])('is found wherever it is in %j', (value, at) => {
    expect(unstorableText(value)).toBe(at);
  });

  it('is not looked for in a stream of bytes, which refers to itself', () => {
    const stream = Readable.from([Buffer.from([0])]);
    expect(unstorableText(Object.assign(stream, { self: stream }))).toBeUndefined();
  });

  it('is looked for at any depth', () => {
    expect(unstorableText(JSON.parse(`${'['.repeat(100_000)}"\\u0000"${']'.repeat(100_000)}`))).toMatch(/^0\.0/);
  });
});
