import { type AccessKey, topics } from '@slipway/contracts';
import { system } from '../actor/actor.ts';
import { appendAudit } from '../audit/audit.store.ts';
import type { Database, Sql } from '../database/database.store.ts';
import { enqueueState } from '../outbox/outbox.store.ts';
import { areForeign, takeover } from './takeover.ts';

type Revoked = { id: string; name: string; role: string; revoked_at: number };

/**
 * Takes from `access.v1` what the table of keys lacks ({@link takeover}), in one transaction, with an audit row for
 * each key that it revokes.
 *
 * @param onTopic every key that the topic held when this registry started
 * @returns how many keys it revoked; `foreign` when the keys are another deployment's, and nothing was changed
 */
export async function takeOverKeys(
  database: Database,
  onTopic: readonly AccessKey[],
  now: number,
): Promise<number | 'foreign'> {
  return database.transaction(async (sql) => {
    // When several registries start at once, the second finds the work done.
    await sql.query("SELECT 1 FROM settings WHERE key = 'epoch' FOR UPDATE");
    const own = await sql.query<{ id: string; sha256: string; revoked_at: number | null }>(
      'SELECT id, hash AS sha256, revoked_at::float8 AS revoked_at FROM api_keys',
    );
    if (areForeign(onTopic, own)) return 'foreign';
    const { add, revoke, publish } = takeover(onTopic, own, now);
    for (const { id, name, role, sha256, created_at, revoked_at } of add) {
      await sql.query(
        'INSERT INTO api_keys (id, name, role, hash, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6)',
        [id, name, role, sha256, created_at, revoked_at],
      );
      const why = 'it is on access.v1 and was not in the database: made after the backup that was restored';
      await audit(sql, { id, name, role, revoked_at: revoked_at ?? now }, why, now);
    }
    for (const [id, revokedAt] of revoke) {
      const [key] = await sql.query<{ name: string; role: string }>(
        'UPDATE api_keys SET revoked_at = $2 WHERE id = $1 RETURNING name, role',
        [id, revokedAt],
      );
      if (!key) continue;
      const why = 'it is revoked on access.v1: after the backup that was restored';
      await audit(sql, { id, ...key, revoked_at: revokedAt }, why, now);
    }
    for (const id of publish) await enqueueState(sql, topics.access, id, now);
    return add.length + revoke.size;
  });
}

const audit = (sql: Sql, state: Revoked, reason: string, now: number) =>
  appendAudit(sql, { aggregate: `key/${state.id}`, actor: system('registry'), action: 'revoke', reason, state, now });
