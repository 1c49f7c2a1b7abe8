import { AUDIT_GENESIS, type AuditRow, auditHash, topics } from '@slipway/contracts';
import { canonicalJson } from '@slipway/core';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../actor/actor.ts';
import type { Sql } from '../database/database.store.ts';
import { enqueueEvent } from '../outbox/outbox.store.ts';
import { signAuditHash } from './audit-key.store.ts';

/**
 * Appends to the aggregate's chain and puts the row into the outbox; must run in the transaction of the change itself.
 */
export async function appendAudit(
  sql: Sql,
  change: { aggregate: string; actor: Actor; action: string; reason: string; state: object; now: number },
): Promise<AuditRow> {
  await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [change.aggregate]);
  const [last] = await sql.query<{ n: number; hash: string }>(
    'SELECT n, hash FROM audit WHERE aggregate = $1 ORDER BY n DESC LIMIT 1',
    [change.aggregate],
  );
  const row = {
    event_id: uuidv7(),
    aggregate: change.aggregate,
    n: (last?.n ?? 0) + 1,
    time: change.now,
    actor: change.actor.name,
    role: change.actor.role,
    action: change.action,
    reason: change.reason,
    state: JSON.parse(canonicalJson(change.state)) as Record<string, unknown>,
    previous_hash: last?.hash ?? AUDIT_GENESIS,
  };
  const hash = auditHash(row);
  const full: AuditRow = { ...row, hash, ...signAuditHash(hash) };
  await sql.query(
    `INSERT INTO audit (event_id, aggregate, n, time, actor, role, action, reason, state, previous_hash, hash,
      key_id, signature)
      VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`,
    [
      full.event_id,
      full.aggregate,
      full.n,
      full.time,
      full.actor,
      full.role,
      full.action,
      full.reason,
      JSON.stringify(full.state),
      full.previous_hash,
      full.hash,
      full.key_id,
      full.signature,
    ],
  );
  await enqueueEvent(sql, topics.audit, full, change.now);
  return full;
}

/** Whether the last action on the aggregate was its deletion. */
export async function wasDeleted(sql: Sql, aggregate: string): Promise<boolean> {
  const [last] = await sql.query<{ action: string }>(
    'SELECT action FROM audit WHERE aggregate = $1 ORDER BY n DESC LIMIT 1',
    [aggregate],
  );
  return last?.action === 'delete';
}

export type StoredAudit = Omit<AuditRow, 'time'> & { seq: string; time: string };

export async function listAudit(
  sql: Sql,
  filter: {
    aggregate?: string | undefined;
    from?: number | undefined;
    to?: number | undefined;
    cursor?: string | undefined;
    limit: number;
  },
): Promise<{ items: AuditRow[]; next_cursor: string | null }> {
  const rows = await sql.query<StoredAudit>(
    `SELECT *
      FROM audit
      WHERE ($1::text IS NULL OR aggregate = $1) AND ($2::bigint IS NULL OR time >= $2)
      AND ($3::bigint IS NULL OR time < $3) AND seq > $4
      ORDER BY seq LIMIT $5`,
    [filter.aggregate ?? null, filter.from ?? null, filter.to ?? null, filter.cursor ?? '0', filter.limit + 1],
  );
  const items = rows.slice(0, filter.limit);
  return {
    items: items.map(({ seq: _, ...r }) => ({ ...r, time: Number(r.time) })),
    next_cursor: rows.length > filter.limit ? (items.at(-1)?.seq ?? null) : null,
  };
}
