import { compareRevisions, type Revision } from '@slipway/core';
import { topics } from '@slipway/contracts';
import type { Database, Sql } from '../database/database.store.ts';
import { enqueueState } from './outbox.store.ts';
import { ownStates } from './own-state.store.ts';

export async function currentEpoch(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ value: number }>("SELECT value FROM settings WHERE key = 'epoch'");
  return Number(row?.value ?? 1);
}

/**
 * After a restore Postgres may be behind the topics, and readers would ignore what it publishes. If any state that was
 * seen on a topic is ahead of its row here, the epoch is raised above all that was seen and every state is published
 * again. A state that was withdrawn here and yet stands on its topic (an old one that landed after the tombstone) is
 * withdrawn there again.
 *
 * @returns the new epoch, or undefined when nothing was ahead
 */
export async function raiseEpochIfBehind(
  database: Database,
  seen: { topic: string; key: string; revision: Revision }[],
  now: number,
): Promise<number | undefined> {
  return database.transaction(async (sql) => {
    await sql.query("SELECT 1 FROM settings WHERE key = 'epoch' FOR UPDATE");
    const tables = ownStates.flatMap(({ topic, table }) => (table ? [{ topic, table }] : []));
    const own = new Map<string, Revision>();
    for (const { topic, table } of tables) {
      const onTopic = new Set(seen.filter((s) => s.topic === topic.name).map((s) => s.key));
      for (const { key, revision, stands } of await sql.query<{ key: string; revision: Revision; stands: boolean }>(
        `SELECT ${table.key} AS key, doc->'revision' AS revision, ${table.present} AS stands FROM ${table.name}`,
      )) {
        own.set(`${topic.name}/${key}`, revision);
        if (!stands && onTopic.has(key)) await enqueueState(sql, topic, key, now);
      }
      if (!table.derived) continue;
      for (const key of onTopic) if (!own.has(`${topic.name}/${key}`)) await enqueueState(sql, topic, key, now);
    }
    for (const { key, withdrawn } of await sql.query<{ key: string; withdrawn: Revision | null }>(
      `SELECT DISTINCT ON (aggregate) substr(aggregate, 7) AS key,
         CASE action WHEN 'withdraw' THEN state->'revision' END AS withdrawn
       FROM audit WHERE aggregate = ANY($1::text[]) ORDER BY aggregate, audit.n DESC`,
      [seen.filter((s) => s.topic === topics.routes.name).map((s) => `route/${s.key}`)],
    )) {
      const name = `${topics.routes.name}/${key}`;
      if (withdrawn === null || own.has(name)) continue;
      own.set(name, withdrawn);
      await enqueueState(sql, topics.routes, key, now);
    }
    const ahead = seen.some(
      (s) => compareRevisions(s.revision, own.get(`${s.topic}/${s.key}`) ?? { epoch: 0, n: 0 }) > 0,
    );
    if (!ahead) return undefined;
    const epoch = Math.max(await currentEpoch(sql), ...seen.map((s) => s.revision.epoch)) + 1;
    await sql.query("UPDATE settings SET value = to_jsonb($1::int) WHERE key = 'epoch'", [epoch]);
    for (const { topic, table } of tables) {
      const rows = await sql.query<{ key: string }>(
        `UPDATE ${table.name} SET doc = jsonb_set(doc, '{revision,epoch}', to_jsonb($1::int))
         RETURNING ${table.key} AS key`,
        [epoch],
      );
      for (const { key } of rows) await enqueueState(sql, topic, key, now);
    }
    return epoch;
  });
}
