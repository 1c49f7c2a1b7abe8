import type { AccessKey } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { takeover } from './takeover.ts';

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
