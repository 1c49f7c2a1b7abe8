import { builtInMetrics, type Metric } from '@slipway/release';
import { ProblemError } from '@slipway/core';
import type { Actor } from '../actor/actor.ts';
import { appendAudit } from '../audit/audit.store.ts';
import type { Database, Sql } from '../database/database.store.ts';
import { checkJudgeable } from '@slipway/release';

export async function findMetric(sql: Sql, name: string): Promise<Metric | undefined> {
  const builtIn = builtInMetrics.find((m) => m.name === name);
  if (builtIn) return builtIn;
  const [row] = await sql.query<{ doc: Metric }>('SELECT doc FROM metrics WHERE name = $1', [name]);
  return row?.doc;
}

/**
 * Declares or changes a metric; rollouts keep the declaration from their creation.
 * @param also further work in the same transaction
 */
export async function putMetric(
  database: Database,
  metric: Metric,
  actor: Actor,
  now: number,
  also: (sql: Sql) => Promise<void>,
): Promise<Metric> {
  if (builtInMetrics.some((m) => m.name === metric.name))
    throw new ProblemError('conflict', `"${metric.name}" is a built-in metric and cannot be redefined`);
  checkJudgeable(metric);
  return database.transaction(async (sql) => {
    await sql.query('INSERT INTO metrics (name, doc) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET doc = $2', [
      metric.name,
      JSON.stringify(metric),
    ]);
    await appendAudit(sql, {
      aggregate: `metric/${metric.name}`,
      actor,
      action: 'declare',
      reason: '',
      state: metric,
      now,
    });
    await also(sql);
    return metric;
  });
}

/** By name, built-in ones included. */
export async function listMetrics(sql: Sql, cursor: string | undefined, limit: number) {
  const rows = await sql.query<{ doc: Metric }>('SELECT doc FROM metrics');
  const items = [...builtInMetrics, ...rows.map((r) => r.doc)]
    .filter((m) => cursor === undefined || m.name > cursor)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { items: items.slice(0, limit), next_cursor: items.length > limit ? (items[limit - 1]?.name ?? null) : null };
}

/** Names of the outcomes that metrics read. */
export async function outcomeNames(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    "SELECT DISTINCT doc->'source'->>'outcome' AS name FROM metrics WHERE doc->'source' ? 'outcome' ORDER BY name",
  );
  return rows.map((r) => r.name);
}
