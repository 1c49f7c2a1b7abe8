import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClickHouse } from './clickhouse.client.ts';

/**
 * Applies the numbered SQL files that are not yet in `slipway.schema_migrations`, in order. Statements are separated by
 * a line of `---` and must be idempotent: a file that was interrupted is run again from its top. `${NAME}` is replaced
 * from `variables`.
 *
 * @returns the names of the files applied now
 */
export async function migrateClickHouse(
  url: string,
  folder: string,
  variables: Record<string, string>,
  ca?: string,
): Promise<string[]> {
  const client = createClickHouse(url, 'default', ca);
  try {
    await client.command({ query: 'CREATE DATABASE IF NOT EXISTS slipway' });
    await client.command({
      query: `CREATE TABLE IF NOT EXISTS slipway.schema_migrations
        (name String COMMENT 'the file', applied_at DateTime64(3) DEFAULT now64(3) COMMENT 'when it was applied')
        ENGINE = MergeTree ORDER BY name COMMENT 'The SQL files that were applied'`,
    });
    const done = new Set(
      (
        await (
          await client.query({ query: 'SELECT name FROM slipway.schema_migrations', format: 'JSONEachRow' })
        ).json<{ name: string }>()
      ).map((r) => r.name),
    );
    const applied: string[] = [];
    for (const name of (await readdir(folder)).filter((f) => /^\d{4}_.*\.sql$/.test(f)).sort()) {
      if (done.has(name)) continue;
      const sql = (await readFile(join(folder, name), 'utf8')).replace(/\$\{(\w+)\}/g, (_, v: string) => {
        const value = variables[v];
        if (value === undefined) throw new Error(`${name} needs the variable ${v}`);
        return value;
      });
      for (const statement of sql
        .split(/^---$/m)
        .map((s) => s.trim())
        .filter((s) => s.length > 0)) {
        try {
          await client.command({ query: statement });
        } catch (error) {
          throw new Error(`${name}: ${(error as Error).message}\n${statement.slice(0, 400)}`, { cause: error });
        }
      }
      await client.insert({
        table: 'slipway.schema_migrations',
        values: [{ name }],
        format: 'JSONEachRow',
        columns: ['name'],
      });
      applied.push(name);
    }
    if (applied.length > 0) await commentMaterializedViews(client);
    return applied;
  } finally {
    await client.close();
  }
}

/** A materialized view's columns mean what its target's mean: where they have no comment they get the target's. */
async function commentMaterializedViews(client: ReturnType<typeof createClickHouse>): Promise<void> {
  const views = await client.query({
    query: `SELECT c.table AS view, groupArray((c.name, t.comment)) AS comments
      FROM (SELECT name, extract(create_table_query, ' TO slipway\\.(\\w+)') AS target
        FROM system.tables WHERE database = 'slipway' AND engine = 'MaterializedView') AS v
      JOIN system.columns AS c ON c.table = v.name
      JOIN system.columns AS t ON t.table = v.target AND t.name = c.name
      WHERE c.database = 'slipway' AND t.database = 'slipway' AND c.comment = '' AND t.comment != ''
      GROUP BY view`,
    format: 'JSONEachRow',
  });
  for (const { view, comments } of await views.json<{ view: string; comments: [string, string][] }>()) {
    const changes = comments.map(([column, text]) => `COMMENT COLUMN \`${column}\` ${quoted(text)}`);
    await client.command({ query: `ALTER TABLE slipway.${view} ${changes.join(', ')}` });
  }
}

const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
