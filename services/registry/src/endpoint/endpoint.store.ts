import { type Endpoint } from '@slipway/contracts';
import { ProblemError, type Revision, type UnitKind, type VersionRef } from '@slipway/core';
import type { Sql } from '../database/database.store.ts';

export type EndpointRow = {
  name: string;
  current: VersionRef;
  previous: VersionRef | null;
  /** The last rollout that was rolled back, until another one starts. */
  rolled_back: VersionRef[];
  unit: UnitKind;
  timeout_ms: number;
  created_at: number;
  /** When its route first had an address that could answer. */
  served_at: number | null;
  retired_at: number | null;
};

const COLUMNS = `name, current, previous, coalesce(rolled_back, '[]') AS rolled_back, unit, timeout_ms,
  created_at::float8 AS created_at, served_at::float8 AS served_at, retired_at::float8 AS retired_at`;

/** @throws ProblemError not_found */
export async function endpointRow(sql: Sql, name: string, lock = false): Promise<EndpointRow> {
  const [row] = await sql.query<EndpointRow>(
    `SELECT ${COLUMNS} FROM endpoints WHERE name = $1 ${lock ? 'FOR UPDATE' : ''}`,
    [name],
  );
  if (!row) throw new ProblemError('unknown_endpoint', `there is no endpoint "${name}"`);
  return row;
}

/** @throws ProblemError conflict when the endpoint was retired, unknown_endpoint when there is none */
export async function endpointInUse(sql: Sql, name: string): Promise<EndpointRow> {
  const row = await endpointRow(sql, name, true);
  if (row.retired_at !== null)
    throw new ProblemError('conflict', `the endpoint "${name}" was retired; give a new one another name`);
  return row;
}

export async function endpointView(sql: Sql, row: EndpointRow): Promise<Endpoint> {
  const [route] = await sql.query<{ revision: Revision }>(
    "SELECT doc->'revision' AS revision FROM routes WHERE endpoint = $1",
    [row.name],
  );
  return { ...row, rollout_id: await rolloutUnderWay(sql, row.name), route_revision: route?.revision ?? null };
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
  await sql.query('UPDATE endpoints SET current = $2, previous = $3, rolled_back = NULL WHERE name = $1', [
    name,
    JSON.stringify(current),
    previous ? JSON.stringify(previous) : null,
  ]);
}

/** Remembers what was rolled back, so that a second rollback changes nothing; nothing once another rollout starts. */
export async function setRolledBack(sql: Sql, name: string, versions: readonly VersionRef[]): Promise<void> {
  const refs = versions.map(({ model, version }) => ({ model, version }));
  await sql.query('UPDATE endpoints SET rolled_back = $2 WHERE name = $1', [
    name,
    refs.length > 0 ? JSON.stringify(refs) : null,
  ]);
}

/** The rollout of the endpoint that is under way, if any. */
export async function rolloutUnderWay(sql: Sql, name: string): Promise<string | null> {
  const [rollout] = await sql.query<{ id: string }>(
    "SELECT id FROM rollouts WHERE endpoint = $1 AND status IN ('running', 'paused')",
    [name],
  );
  return rollout?.id ?? null;
}
