import { compareRevisions, type Revision } from '@slipway/core';
import { topics } from '@slipway/contracts';
import type { Database, Sql } from '../database/database.store.ts';
import { enqueueState } from './outbox.store.ts';
import { ownStates } from './own-state.store.ts';

export async function currentEpoch(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ value: number }>("SELECT value FROM settings WHERE key = 'epoch'");
  return Number(row?.value ?? 1);
}

/** What a start found on the topics. */
export type CaughtUp = {
  /** The new epoch; undefined when nothing was ahead. */
  epoch: number | undefined;
  /** What stood on a topic without a row here, as `topic/key`. */
  leftovers: string[];
};

/**
 * After a restore Postgres may be behind the topics, and readers would ignore what it publishes. If any state that was
 * seen on a topic is ahead of its row here, the epoch is raised above all that was seen and every state is published
 * again. A state that was withdrawn here and yet stands on its topic (an old one that landed after the tombstone) is
 * withdrawn there again. A state without a row here (made after the backup) is withdrawn, too: nobody could do it by
 * hand. It raises the epoch, since a reader that is away now may have it and would ignore a new one of its name that
 * begins at 1; and it does so once, since the next start finds its tombstone.
 */
export async function raiseEpochIfBehind(
  database: Database,
  seen: { topic: string; key: string; revision: Revision }[],
  now: number,
): Promise<CaughtUp> {
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
    }
    for (const [key, revision] of await withdrawnRoutes(sql, seen)) {
      const name = `${topics.routes.name}/${key}`;
      if (own.has(name)) continue;
      own.set(name, revision);
      await enqueueState(sql, topics.routes, key, now);
    }
    const leftovers = seen.filter((s) => !own.has(`${s.topic}/${s.key}`));
    for (const { topic, key } of leftovers) {
      const known = tables.find((t) => t.topic.name === topic);
      if (known) await enqueueState(sql, known.topic, key, now);
    }
    const ahead = seen.some(
      (s) => compareRevisions(s.revision, own.get(`${s.topic}/${s.key}`) ?? { epoch: 0, n: 0 }) > 0,
    );
    const epoch = ahead ? await raiseEpoch(sql, seen, now) : undefined;
    return { epoch, leftovers: leftovers.map((s) => `${s.topic}/${s.key}`) };
  });
}

/** Of the routes that were seen and withdrawn last, as the audit says: the revision of the withdrawal, by endpoint. */
async function withdrawnRoutes(sql: Sql, seen: { topic: string; key: string }[]): Promise<Map<string, Revision>> {
  const rows = await sql.query<{ key: string; withdrawn: Revision | null }>(
    `SELECT DISTINCT ON (aggregate) substr(aggregate, 7) AS key,
       CASE action WHEN 'withdraw' THEN state->'revision' END AS withdrawn
     FROM audit WHERE aggregate = ANY($1::text[]) ORDER BY aggregate, audit.n DESC`,
    [seen.filter((s) => s.topic === topics.routes.name).map((s) => `route/${s.key}`)],
  );
  return new Map(rows.flatMap(({ key, withdrawn }) => (withdrawn ? [[key, withdrawn] as const] : [])));
}

async function raiseEpoch(sql: Sql, seen: { revision: Revision }[], now: number): Promise<number> {
  const epoch = Math.max(await currentEpoch(sql), ...seen.map((s) => s.revision.epoch)) + 1;
  await sql.query("UPDATE settings SET value = to_jsonb($1::int) WHERE key = 'epoch'", [epoch]);
  for (const { topic, table } of ownStates) {
    if (!table) continue;
    const rows = await sql.query<{ key: string }>(
      `UPDATE ${table.name} SET doc = jsonb_set(doc, '{revision,epoch}', to_jsonb($1::int))
       RETURNING ${table.key} AS key`,
      [epoch],
    );
    for (const { key } of rows) await enqueueState(sql, topic, key, now);
  }
  return epoch;
}
