import { type Endpoint, ProblemError, type Revision, type UnitKind, type VersionRef } from '@slipway/contracts';
import type { Sql } from '../database/database.store.ts';

export type EndpointRow = {
  name: string;
  current: VersionRef;
  previous: VersionRef | null;
  unit: UnitKind;
  timeout_ms: number;
  created_at: number;
};

const COLUMNS = 'name, current, previous, unit, timeout_ms, created_at::float8 AS created_at';

/** @throws ProblemError not_found */
export async function endpointRow(sql: Sql, name: string, lock = false): Promise<EndpointRow> {
  const [row] = await sql.query<EndpointRow>(
    `SELECT ${COLUMNS} FROM endpoints WHERE name = $1 ${lock ? 'FOR UPDATE' : ''}`,
    [name],
  );
  if (!row) throw new ProblemError('unknown_endpoint', `there is no endpoint "${name}"`);
  return row;
}

export async function endpointView(sql: Sql, row: EndpointRow): Promise<Endpoint> {
  const [rollout] = await sql.query<{ id: string }>(
    "SELECT id FROM rollouts WHERE endpoint = $1 AND status IN ('running', 'paused')",
    [row.name],
  );
  const [route] = await sql.query<{ revision: Revision }>(
    "SELECT doc->'revision' AS revision FROM routes WHERE endpoint = $1",
    [row.name],
  );
  return { ...row, rollout_id: rollout?.id ?? null, route_revision: route?.revision ?? null };
}

export async function listEndpoints(sql: Sql, cursor: string | undefined, limit: number) {
  const rows = await sql.query<EndpointRow>(`SELECT ${COLUMNS} FROM endpoints WHERE name > $1 ORDER BY name LIMIT $2`, [
    cursor ?? '',
    limit + 1,
  ]);
  const items = await Promise.all(rows.slice(0, limit).map((r) => endpointView(sql, r)));
  return { items, next_cursor: rows.length > limit ? (items.at(-1)?.name ?? null) : null };
}

export async function setVersions(
  sql: Sql,
  name: string,
  current: VersionRef,
  previous: VersionRef | null,
): Promise<void> {
  await sql.query('UPDATE endpoints SET current = $2, previous = $3 WHERE name = $1', [
    name,
    JSON.stringify(current),
    previous ? JSON.stringify(previous) : null,
  ]);
}
