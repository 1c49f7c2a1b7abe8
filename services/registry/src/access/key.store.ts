import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Role } from '@slipway/contracts';
import type { Database, Sql } from '../database/database.store.ts';

export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** API keys are random and long: a plain SHA-256 of them is safe to store and to publish. */
export class KeyStore {
  private readonly database: Database;
  private readonly cache = new Map<string, { until: number; actor: { name: string; role: Role } | undefined }>();
  constructor(database: Database) {
    this.database = database;
  }

  async admit(keys: Partial<Record<Role, string>>, now: number): Promise<void> {
    for (const [role, key] of Object.entries(keys)) {
      await this.database.query(
        'INSERT INTO api_keys (id, name, role, hash, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO NOTHING',
        [randomUUID(), role, role, hashKey(key), now],
      );
    }
  }

  async find(key: string, now: number): Promise<{ name: string; role: Role } | undefined> {
    const hash = hashKey(key);
    const cached = this.cache.get(hash);
    if (cached && cached.until > now) return cached.actor;
    const [row] = await this.database.query<{ name: string; role: Role }>(
      'SELECT name, role FROM api_keys WHERE hash = $1 AND revoked_at IS NULL',
      [hash],
    );
    if (this.cache.size > 10_000) this.cache.clear();
    this.cache.set(hash, { until: now + 5000, actor: row });
    return row;
  }

  async create(
    sql: Sql,
    name: string,
    role: Role,
    now: number,
  ): Promise<{ id: string; name: string; role: Role; key: string }> {
    const id = randomUUID();
    const key = `slw_${role}_${randomBytes(24).toString('base64url')}`;
    await sql.query('INSERT INTO api_keys (id, name, role, hash, created_at) VALUES ($1, $2, $3, $4, $5)', [
      id,
      name,
      role,
      hashKey(key),
      now,
    ]);
    return { id, name, role, key };
  }
}

/** Hashes of the keys that may force a version at the routers. */
export async function operatorKeyHashes(sql: Sql): Promise<string[]> {
  return (
    await sql.query<{ hash: string }>(
      "SELECT hash FROM api_keys WHERE role IN ('operator', 'admin') AND revoked_at IS NULL ORDER BY hash",
    )
  ).map((r) => r.hash);
}

/** Hashes of every valid key, whatever its role: who may call a router that asks for a key. */
export async function callerKeyHashes(sql: Sql): Promise<string[]> {
  return (await sql.query<{ hash: string }>('SELECT hash FROM api_keys WHERE revoked_at IS NULL ORDER BY hash')).map(
    (r) => r.hash,
  );
}
