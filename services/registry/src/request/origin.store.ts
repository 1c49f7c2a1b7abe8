import { type AuditRow } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';
import { type Rollout, winnerOf } from '@slipway/release';
import { listAudit } from '../audit/audit.store.ts';
import type { Sql } from '../database/database.store.ts';
import { findRollout } from '../rollout/rollout.store.ts';
import type { Origin, ServedRow } from '@slipway/routing';

/** What the registry has recorded about the route under which a request was served. */
export async function originOf(sql: Sql, row: ServedRow): Promise<Origin> {
  const { endpoint } = row;
  const at = (await publishedAt(sql, row)) ?? Date.parse(`${row.time.replace(' ', 'T')}Z`);
  const [promoted] = await sql.query<{ doc: Rollout }>(
    `SELECT doc FROM rollouts WHERE endpoint = $1 AND status = 'promoted' AND (doc->>'ended_at')::bigint <= $2
      ORDER BY (doc->>'ended_at')::bigint DESC, id DESC LIMIT 1`,
    [endpoint, at],
  );
  const [set] = await sql.query<{ actor: string; role: string; action: string; reason: string; time: string }>(
    `SELECT actor, role, action, reason, time FROM audit
      WHERE aggregate = $1 AND action IN ('create', 'change', 'rollBack') AND time <= $2 ORDER BY n DESC LIMIT 1`,
    [`endpoint/${endpoint}`, at],
  );
  const byRollout = promoted && (!set || Number(set.time) <= (promoted.doc.ended_at ?? 0)) ? promoted.doc : undefined;
  const id = row.rollout_id || byRollout?.id;
  const history: AuditRow[] = id ? (await listAudit(sql, { aggregate: `rollout/${id}`, limit: 1000 })).items : [];
  const rollout = row.rollout_id ? await findRollout(sql, row.rollout_id).catch(() => undefined) : byRollout;
  return {
    at,
    rollout,
    history,
    placed: row.rollout_id
      ? null
      : byRollout
        ? {
            action: 'promote',
            by: `rollout ${byRollout.id}`,
            version: formatVersion(winnerOf(byRollout) ?? byRollout.control),
            reason: byRollout.reason,
            time: byRollout.ended_at ?? 0,
          }
        : set
          ? { action: set.action, by: set.actor, version: '', reason: set.reason, time: Number(set.time) }
          : null,
  };
}

/** When the route of the row's revision was published, by the registry's clock; the routers' clocks do not matter. */
async function publishedAt(sql: Sql, row: ServedRow): Promise<number | undefined> {
  const [epoch, n] = row.route_revision.split('.').map(Number);
  if (!Number.isInteger(epoch) || !Number.isInteger(n)) return undefined;
  const [route] = await sql.query<{ time: string }>(
    "SELECT time FROM audit WHERE aggregate = $1 AND state->'revision' = $2::jsonb ORDER BY n DESC LIMIT 1",
    [`route/${row.endpoint}`, JSON.stringify({ epoch, n })],
  );
  return route ? Number(route.time) : undefined;
}
