import { createHash } from 'node:crypto';
import type { Route } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { RouteTable } from '../routing/route-table.ts';
import { Access, defaultAccess } from './access.ts';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const route = (endpoint: string, published_at: number, keys: string[]) =>
  ({ endpoint, published_at, revision: { epoch: 1, n: 1 }, caller_keys: keys.map(sha256) }) as unknown as Route;

describe('who may use a router', () => {
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
    const routes = new RouteTable(() => 0);
    const access = new Access('key', routes);
    expect(() => access.check('Bearer one')).toThrow(/not known/);
    routes.apply('a', route('a', 10, ['one', 'two']));
    access.check('Bearer one');
    // revoked: the other endpoint's older route does not bring it back
    routes.apply('b', route('b', 20, ['two']));
    expect(() => access.check('Bearer one')).toThrow(/not known, or was revoked/);
    access.check('bearer two');
    for (const nothing of [undefined, '', 'Basic two', 'Bearer ', sha256('two'), `Bearer ${sha256('two')}`])
      expect(() => access.check(nothing)).toThrow(/API key/);
    new Access('open', routes).check(undefined);
  });
});
