import type { AccessKey } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { areForeign, takeover } from './takeover.ts';

const NOW = 100;
const onTopic = (id: string, sha256: string, revoked_at: number | null = null): AccessKey => ({
  id,
  name: id,
  role: 'viewer',
  sha256,
  created_at: 1,
  revoked_at,
  revision: { epoch: 0, n: revoked_at === null ? 1 : 2 },
});
const own = (id: string, sha256: string, revoked_at: number | null = null) => ({ id, sha256, revoked_at });

it.each([
  ['both know the same', [onTopic('a', 'A'), onTopic('b', 'B', 5)], [own('a', 'A'), own('b', 'B', 5)], [], [], []],
  ['a key that was made after the backup', [onTopic('a', 'A')], [], [['a', NOW]], [], ['a']],
  ['one that was made and revoked after it', [onTopic('a', 'A', 5)], [], [['a', 5]], [], ['a']],
  ['a key that was revoked after it', [onTopic('a', 'A', 5)], [own('a', 'A')], [], [['a', 5]], ['a']],
  ['a revocation that the topic does not know yet', [onTopic('a', 'A')], [own('a', 'A', 5)], [], [], []],
  ['a bootstrap key that was admitted again', [onTopic('old', 'A')], [own('new', 'A')], [], [], ['old']],
  [
    'a bootstrap key that had been revoked',
    [onTopic('old', 'A', 5), onTopic('new', 'A')],
    [own('new', 'A')],
    [],
    [['new', 5]],
    ['new', 'old'],
  ],
  ['one key under two ids', [onTopic('a', 'A'), onTopic('b', 'A')], [], [['a', NOW]], [], ['a', 'b']],
])('%s', (_, topic, table, add, revoke, publish) => {
  const found = takeover(topic, table, NOW);
  expect(found.add.map((k) => [k.id, k.revoked_at])).toEqual(add);
  expect([...found.revoke]).toEqual(revoke);
  expect(found.publish).toEqual(publish);
});

it.each([
  ['none of its keys is on the topic', [onTopic('a', 'A')], [own('b', 'B')], true],
  ['one is, by its id', [onTopic('a', 'A'), onTopic('b', 'X')], [own('b', 'B')], false],
  ['one is, by its digest: a bootstrap key', [onTopic('a', 'A'), onTopic('b', 'B')], [own('new', 'B')], false],
  ['the topic has no valid key', [onTopic('a', 'A', 5)], [own('b', 'B')], false],
  ['the topic is new', [], [own('b', 'B')], false],
])('takes the keys on the topic for those of another deployment or not: %s', (_, topic, mine, foreign) => {
  expect(areForeign(topic, mine)).toBe(foreign);
});
