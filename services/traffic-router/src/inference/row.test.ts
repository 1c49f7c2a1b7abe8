import { describe, expect, it } from 'vitest';
import { loggedBody, predictionLine, type RowHead } from './row.ts';

const logged = (body: string | Buffer, isJson = true, max = 1000) =>
  loggedBody(Buffer.from(body), isJson, max).toString('utf8');

describe('the bodies of a row', () => {
  it('go in as they are, with raw newlines as spaces', () => {
    expect(logged('{"a":\n [1,\r\n2]}')).toBe('{"a":  [1,  2]}');
    // as many digits as a double prints, after the point
    const body = Buffer.from('{"a":[0.000001234567890123456789,1.7976931348623157e+30,-5e-30,123456789012345678]}');
    expect(loggedBody(body, true, 1000)).toBe(body);
  });
  it('become a string when they are not JSON, and null when empty', () => {
    expect(JSON.parse(logged('{"a":', false))).toBe('{"a":');
    expect(logged('', false)).toBe('null');
  });
  it.each([
    ['an escaped surrogate', '{"a":"\\uD800"}'],
    ['a huge exponent', '{"a":1e999}'],
    ['an integer beyond 64 bits', '{"a":123456789012345678901}'],
    ['deep nesting', `${'['.repeat(300)}${']'.repeat(300)}`],
  ])('become a string with %s, which some readers refuse', (_, body) => {
    expect(JSON.parse(logged(body))).toBe(body);
  });
  it('become digest, size and head when they are long', () => {
    expect(JSON.parse(logged(`{"a":"${'x'.repeat(2000)}"}`))).toEqual({
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      bytes: 2008,
      head: expect.stringMatching(/^\{"a":"x+$/),
    });
  });
  it('make one line of JSON with the head', () => {
    const line = Buffer.concat(
      predictionLine({ event_id: 'e', sequence: 7 } as RowHead, Buffer.from('{"x":1}'), Buffer.from('null')),
    ).toString();
    expect(line.endsWith('}\n')).toBe(true);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({ event_id: 'e', sequence: 7, request: { x: 1 }, response: null });
  });
});
