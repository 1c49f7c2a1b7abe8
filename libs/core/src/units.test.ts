import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { durationMs, durationSchema, shareSchema } from './units.ts';

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('%s is %d ms', (text, ms) => expect(durationMs(durationSchema.parse(text))).toBe(ms));
  it.each(['', '5', 's', '-1s', '1 s', '1w', '1s1m', ' 1s'])('%j is none', (text) => {
    expect(durationSchema.safeParse(text).success).toBe(false);
    expect(() => durationMs(text)).toThrow(RangeError);
  });
});

describe('shares', () => {
  it.each([
    ['5%', 0.05],
    ['0%', 0],
    ['100%', 1],
    ['33.3333333%', 0.333333333],
    [0.25, 0.25],
  ])('%s is %d', (given, share) => expect(shareSchema.parse(given)).toBe(share));
  it.each(['101%', '-1%', 1.01, -0.1, '0.5', 'half', '%'])('%j is none', (given) => {
    expect(shareSchema.safeParse(given).error?.issues[0]?.message).toMatch(/a share from 0 to 1: "5%" or 0.05/);
  });
});

describe('canonical JSON (RFC 8785)', () => {
  it('sorts keys by UTF-16 units and prints numbers as ECMAScript does', () => {
    expect(canonicalJson({ '€': 1e21, '\u{1f600}': -0, a: [0.1, 1e-7, null], '\r': 'é' })).toBe(
      '{"\\r":"é","a":[0.1,1e-7,null],"€":1e+21,"😀":0}',
    );
  });
  it.each([undefined, Number.NaN, Number.POSITIVE_INFINITY])('throws for %s, which has no JSON form', (value) =>
    expect(() => canonicalJson(value)).toThrow(),
  );
});
