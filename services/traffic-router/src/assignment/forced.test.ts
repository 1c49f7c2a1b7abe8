import type { Role } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { forcedVersion } from './forced.ts';

const by = (role: Role) => ({ id: 'k', name: 'n', role });

describe('a forced version', () => {
  it.each([
    ['2', 2],
    ['spam:12', 12],
  ])('is the number at the end of "%s"', (text, version) => {
    expect(forcedVersion(text, by('operator'))).toBe(version);
    expect(forcedVersion(text, by('admin'))).toBe(version);
  });
  it.each([
    ['nobody known', undefined],
    ['a viewer', by('viewer')],
    ['an approver', by('approver')],
    ['a publisher', by('publisher')],
  ])("needs an operator's key: %s has none", (_, caller) => {
    expect(() => forcedVersion('2', caller)).toThrow("only with an operator's key");
  });
  it.each(['', 'latest', '2 '])('is refused for the text "%s"', (text) => {
    expect(() => forcedVersion(text, by('operator'))).toThrow('is not a version');
  });
});
