import { createHash } from 'node:crypto';
import type { Route } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { forcedVersion } from './forced.ts';

const route = { operator_keys: [createHash('sha256').update('operator').digest('hex')] } as Route;

describe('a forced version', () => {
  it.each([
    ['2', 2],
    ['spam:12', 12],
  ])('is the number that "%s" ends in', (text, version) => {
    expect(forcedVersion(route, text, 'Bearer operator')).toBe(version);
  });
  it.each([undefined, 'operator', 'Bearer another'])("needs an operator's key, which %s is not", (authorization) => {
    expect(() => forcedVersion(route, '2', authorization)).toThrow("only with an operator's key");
  });
  it.each(['', 'latest', '2 '])('is refused where "%s" stands', (text) => {
    expect(() => forcedVersion(route, text, 'Bearer operator')).toThrow('is no version');
  });
});
