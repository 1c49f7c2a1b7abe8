import type { AccessKey } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { KeyRing } from './key-ring.ts';

const key = (id: string, sha256: string, revoked_at: number | null = null): AccessKey => ({
  id,
  name: `name of ${id}`,
  role: 'viewer',
  sha256,
  created_at: 1,
  revoked_at,
  revision: { epoch: 0, n: revoked_at === null ? 1 : 2 },
});

it('has the owners of valid keys only', () => {
  const ring = new KeyRing();
  expect(ring.apply('a', key('a', 'one'))).toBe(true);
  expect(ring.owner('one')).toEqual({ id: 'a', name: 'name of a', role: 'viewer' });
  for (const digest of ['two', '']) expect(ring.owner(digest)).toBeUndefined();
  expect(ring.apply('a', undefined)).toBe(true);
  expect([ring.owner('one'), ring.all(), ring.apply('a', undefined)]).toEqual([undefined, [], false]);
});

it('keeps a key revoked whatever record arrives later', () => {
  const ring = new KeyRing();
  ring.apply('a', key('a', 'one', 5));
  expect(ring.apply('a', key('a', 'one'))).toBe(false);
  expect(ring.owner('one')).toBeUndefined();
  // The snapshot on disk must say so as well.
  const next = new KeyRing();
  for (const k of ring.all()) next.apply(k.id, k);
  expect([next.apply('a', key('a', 'one')), next.owner('one')]).toEqual([false, undefined]);
});

it('admits a digest that was revoked under no id, whichever of its ids comes first', () => {
  for (const order of [
    ['old', 'new'],
    ['new', 'old'],
  ]) {
    const ring = new KeyRing();
    for (const id of order) ring.apply(id, key(id, 'one', id === 'old' ? 5 : null));
    expect(ring.owner('one'), order.join()).toBeUndefined();
  }
});

it('keeps a key that is known under another id when one of the ids is deleted', () => {
  const ring = new KeyRing();
  for (const id of ['a', 'b']) ring.apply(id, key(id, 'one'));
  ring.apply('a', undefined);
  expect(ring.owner('one')).toMatchObject({ id: 'b' });
  ring.apply('b', undefined);
  expect(ring.owner('one')).toBeUndefined();
});
