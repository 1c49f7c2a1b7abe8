import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CallerAccess, CallerKeys, defaultAccess } from './caller-access.ts';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const route = (keys_revision: number, keys: string[]) => ({ keys_revision, caller_keys: keys.map(sha256) });

describe('who may use a router or a worker', () => {
  it.each([
    ['127.0.0.1', 'open'],
    ['::1', 'open'],
    ['localhost', 'open'],
    ['0.0.0.0', 'key'],
    ['::', 'key'],
    ['127.evil.example', 'key'],
    ['10.0.0.7', 'key'],
  ])('that listens on %s is by default: %s', (host, policy) => {
    expect(defaultAccess(host)).toBe(policy);
  });
  it('is whoever shows a key that the newest route knows', () => {
    const keys = new CallerKeys();
    const access = new CallerAccess('key', keys);
    expect(() => access.check('Bearer one')).toThrow(/not known/);
    keys.apply(route(10, ['one', 'two']));
    access.check('Bearer one');
    // revoked: another endpoint's older route does not bring it back
    keys.apply(route(20, ['two']));
    keys.apply(route(15, ['one', 'two']));
    expect(() => access.check('Bearer one')).toThrow(/not known, or was revoked/);
    access.check('bearer two');
    for (const nothing of [undefined, '', 'Basic two', 'Bearer ', sha256('two'), `Bearer ${sha256('two')}`])
      expect(() => access.check(nothing)).toThrow(/API key/);
    new CallerAccess('open', keys).check(undefined);
  });
});
