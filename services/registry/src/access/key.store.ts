import { randomBytes, randomUUID } from 'node:crypto';
import { isUuid, ProblemError } from '@slipway/core';
import { type Needed, type Role, topics } from '@slipway/contracts';
import { Access, admitted, bearerKey, digestOf, type KeyOwner, steadyNow } from '@slipway/platform';
import type { Database, Sql } from '../database/database.store.ts';
import { enqueueState } from '../outbox/outbox.store.ts';

/** Time in milliseconds after which another registry sees a revocation at the latest. */
const CACHE_MS = 1000;

type StoredKey = { id: string; name: string; role: Role; hash: string; created_at: string; revoked_at: string | null };
const listed = ({ hash: _, ...k }: StoredKey) => ({
  ...k,
  created_at: Number(k.created_at),
  revoked_at: k.revoked_at === null ? null : Number(k.revoked_at),
});

/**
 * API keys are random and long, so a plain SHA-256 of them is safe to store and to publish. The keys are never stored.
 */
export class KeyStore extends Access {
  private readonly database: Database;
  private readonly cache = new Map<string, { until: number; owner: KeyOwner | undefined }>();
  constructor(database: Database) {
    super();
    this.database = database;
  }

  /** Adds the configured keys at the start; a revoked key stays revoked. */
  async admit(keys: Partial<Record<Role, string>>, now: number): Promise<void> {
    for (const [role, key] of Object.entries(keys))
      await this.database.transaction(async (sql) => {
        const [made] = await sql.query<{ id: string }>(
          `INSERT INTO api_keys (id, name, role, hash, created_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (hash) DO NOTHING RETURNING id`,
          [randomUUID(), role, role, digestOf(key), now],
        );
        if (made) await enqueueState(sql, topics.access, made.id, now);
      });
  }

  override async require(authorization: string | undefined, needed: Needed): Promise<KeyOwner> {
    return admitted(await this.find(bearerKey(authorization), steadyNow()), needed);
  }

  private async find(key: string, now: number): Promise<KeyOwner | undefined> {
    const hash = digestOf(key);
    const cached = this.cache.get(hash);
    if (cached && cached.until > now) return cached.owner;
    const [row] = await this.database.query<KeyOwner>(
      'SELECT id, name, role FROM api_keys WHERE hash = $1 AND revoked_at IS NULL',
      [hash],
    );
    if (this.cache.size > 10_000) this.cache.clear();
    this.cache.set(hash, { until: now + CACHE_MS, owner: row });
    return row;
  }

  async create(sql: Sql, name: string, role: Role, now: number): Promise<KeyOwner & { key: string }> {
    const id = randomUUID();
    const key = `slw_${id.replaceAll('-', '')}_${randomBytes(24).toString('base64url')}`;
    await sql.query('INSERT INTO api_keys (id, name, role, hash, created_at) VALUES ($1, $2, $3, $4, $5)', [
      id,
      name,
      role,
      digestOf(key),
      now,
    ]);
    await enqueueState(sql, topics.access, id, now);
    return { id, name, role, key };
  }

  async list(cursor: string | undefined, limit: number) {
    const rows = await this.database.query<StoredKey>(
      `SELECT * FROM api_keys
       WHERE ($1::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM api_keys WHERE id = $1))
       ORDER BY created_at DESC, id DESC LIMIT $2`,
      [cursor ?? null, limit + 1],
    );
    const items = rows.slice(0, limit).map(listed);
    return { items, next_cursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** @returns the key and whether this revoked it @throws ProblemError not_found */
  async revoke(sql: Sql, id: string, now: number) {
    if (!isUuid(id)) throw new ProblemError('not_found', `there is no key ${id}`);
    const [fresh] = await sql.query<StoredKey>(
      'UPDATE api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING *',
      [id, now],
    );
    const [row] = fresh ? [fresh] : await sql.query<StoredKey>('SELECT * FROM api_keys WHERE id = $1', [id]);
    if (!row) throw new ProblemError('not_found', `there is no key ${id}`);
    if (fresh) await enqueueState(sql, topics.access, id, now);
    this.cache.delete(row.hash);
    return { key: listed(row), fresh: fresh !== undefined };
  }

  /** After a commit: nothing from before may be used any more. */
  forget(): void {
    this.cache.clear();
  }
}

/** Those of the keys (by id) that are revoked. */
export async function revokedAmong(sql: Sql, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ id: string }>(
    'SELECT id FROM api_keys WHERE id::text = ANY($1::text[]) AND revoked_at IS NOT NULL',
    [ids],
  );
  return new Set(rows.map((r) => r.id));
}
