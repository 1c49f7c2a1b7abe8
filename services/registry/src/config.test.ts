import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { configSchema } from './config.ts';

describe('BOOTSTRAP_KEYS', () => {
  const problem = (keys: string) =>
    configSchema.safeParse({ BOOTSTRAP_KEYS: keys }).error?.issues.find((i) => i.path[0] === 'BOOTSTRAP_KEYS')?.message;
  it('with a key that can be guessed keep the registry from starting, since their digests are published', () => {
    expect(problem(JSON.stringify({ admin: 'changeme-changeme-changeme' }))).toMatch(
      /the key can be guessed: its secret/,
    );
    expect(problem(JSON.stringify({ viewer: '' }))).toMatch(/the key can be guessed/);
    expect(problem(JSON.stringify({ admin: randomBytes(24).toString('base64url') }))).toBeUndefined();
  });
  it('are roles and keys, as JSON', () => {
    expect(problem('admin')).toBe('must be JSON');
    expect(problem('{"owner":"x"}')).toBeDefined();
  });
});
