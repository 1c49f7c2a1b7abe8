import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AccessKey } from '@slipway/contracts';
import { CallerAccess, defaultAccess } from './caller-access.ts';
import { KeyRing } from './key-ring.ts';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const key = (id: string, n: number): AccessKey => ({
  id,
  name: id,
  role: 'viewer',
  sha256: sha256(id),
  created_at: 1,
  revoked_at: n === 1 ? null : 2,
  revision: { epoch: 0, n },
});

describe('access to a router or a worker', () => {
  it.each([
    ['127.0.0.1', 'open'],
    ['::1', 'open'],
    ['localhost', 'open'],
    ['0.0.0.0', 'key'],
    ['::', 'key'],
    ['127.evil.example', 'key'],
    ['10.0.0.7', 'key'],
  ])('listening on %s is by default: %s', (host, policy) => {
    expect(defaultAccess(host)).toBe(policy);
  });
  it('by policy `key` needs a known key that was not revoked', () => {
    const keys = new KeyRing();
    const access = new CallerAccess('key', keys);
    expect(() => access.check('Bearer one')).toThrow(/not known/);
    for (const id of ['one', 'two']) keys.apply(id, key(id, 1));
    access.check('Bearer one');
    keys.apply('one', key('one', 2));
    expect(() => access.check('Bearer one')).toThrow(/not known, or was revoked/);
    expect([access.ownerOf('Bearer one'), access.ownerOf('Bearer two')?.name, access.ownerOf(undefined)]).toEqual([
      undefined,
      'two',
      undefined,
    ]);
    access.check('bearer two');
    for (const nothing of [undefined, '', 'Basic two', 'Bearer ', sha256('two'), `Bearer ${sha256('two')}`])
      expect(() => access.check(nothing)).toThrow(/API key/);
    new CallerAccess('open', keys).check(undefined);
  });
});
