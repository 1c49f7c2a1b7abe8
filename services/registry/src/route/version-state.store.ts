import { type Topic, topics } from '@slipway/contracts';
import { canonicalJson, formatVersion, type Revision, type VersionRef } from '@slipway/core';
import type { Version } from '@slipway/model';
import type { z } from 'zod';
import type { Sql } from '../database/database.store.ts';
import { currentEpoch } from '../outbox/epoch.store.ts';
import { enqueueState } from '../outbox/outbox.store.ts';
import { loadable, workersLoad } from './loadable.ts';

/** A topic of what others need to know of a version, by `model:version`. */
type Kind = {
  topic: Topic<z.ZodType, 'state'>;
  table: 'loads' | 'profiles';
  /** Null where there is nothing to say of the version. */
  of: (version: Version, settings: Settings) => object | null;
};

type Settings = { artifactBases: readonly string[] };

const KINDS: readonly Kind[] = [
  {
    topic: topics.loads,
    table: 'loads',
    of: (v, { artifactBases }) => (workersLoad(v) ? loadable(v, artifactBases) : null),
  },
  {
    topic: topics.profiles,
    table: 'profiles',
    of: ({ model, version, digest, profile }) => (profile ? { model, version, digest, profile } : null),
  },
];

type Stored = { doc: { revision: Revision }; withdrawn_at: string | null };

/**
 * Keeps what is published of single versions equal to what follows from the endpoints, their rollouts and the trials:
 * of each version that an endpoint with a route serves, is about to, or may roll back to.
 */
export class VersionStates {
  private readonly settings: Settings;
  constructor(settings: Settings) {
    this.settings = settings;
  }

  /**
   * Publishes what the endpoints have come to need of these versions, and withdraws of all versions what no endpoint
   * needs any more.
   *
   * @param versions those that the changed endpoints name
   */
  async settle(sql: Sql, versions: readonly Version[], now: number): Promise<void> {
    // Two endpoints may name the same version: each transaction sees what all earlier ones have committed.
    await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 4))', ['version states']);
    const needed = await neededVersions(sql);
    for (const kind of KINDS) {
      const silent = new Set<string>();
      for (const version of versions) {
        const key = formatVersion(version);
        const state = needed.has(key) ? kind.of(version, this.settings) : null;
        if (state) await publish(sql, kind, key, state, now);
        else silent.add(key);
      }
      const published = await sql.query<{ key: string }>(`SELECT key FROM ${kind.table} WHERE withdrawn_at IS NULL`);
      for (const { key } of published) if (silent.has(key) || !needed.has(key)) await withdraw(sql, kind, key, now);
    }
  }
}

async function neededVersions(sql: Sql): Promise<ReadonlySet<string>> {
  const rows = await sql.query<VersionRef>(
    `SELECT DISTINCT ref->>'model' AS model, (ref->>'version')::int AS version FROM (
       SELECT e.current AS ref FROM endpoints e JOIN routes r ON r.endpoint = e.name
       UNION ALL
       SELECT e.previous FROM endpoints e JOIN routes r ON r.endpoint = e.name WHERE e.previous IS NOT NULL
       UNION ALL
       SELECT doc->'spec'->'candidate' FROM rollouts WHERE status IN ('running', 'paused') AND doc->'spec' ? 'candidate'
       UNION ALL
       SELECT c FROM rollouts, jsonb_array_elements(doc->'spec'->'candidates') AS c
       WHERE status IN ('running', 'paused')
         AND NOT coalesce(doc->'withdrawn', '[]') @> jsonb_build_array(jsonb_build_object('arm', c->'name'))
     ) AS named`,
  );
  return new Set(rows.map(formatVersion));
}

async function publish(sql: Sql, { topic, table }: Kind, key: string, state: object, now: number): Promise<void> {
  const [stored] = await sql.query<Stored>(`SELECT doc, withdrawn_at FROM ${table} WHERE key = $1`, [key]);
  if (stored && stored.withdrawn_at === null) {
    const { revision: _, ...same } = stored.doc;
    if (canonicalJson(same) === canonicalJson(state)) return;
  }
  const doc = { ...state, revision: await nextRevision(sql, stored) };
  await sql.query(
    `INSERT INTO ${table} (key, doc, withdrawn_at) VALUES ($1, $2, NULL)
     ON CONFLICT (key) DO UPDATE SET doc = $2, withdrawn_at = NULL`,
    [key, JSON.stringify(doc)],
  );
  await enqueueState(sql, topic, key, now);
}

/** The revision is kept, and the version's next state continues from it, so that no old state is taken for newer. */
async function withdraw(sql: Sql, { topic, table }: Kind, key: string, now: number): Promise<void> {
  const [stored] = await sql.query<Stored>(`SELECT doc, withdrawn_at FROM ${table} WHERE key = $1`, [key]);
  const doc = { revision: await nextRevision(sql, stored) };
  await sql.query(`UPDATE ${table} SET doc = $2, withdrawn_at = $3 WHERE key = $1`, [key, JSON.stringify(doc), now]);
  await enqueueState(sql, topic, key, now);
}

async function nextRevision(sql: Sql, stored: Stored | undefined): Promise<Revision> {
  return { epoch: await currentEpoch(sql), n: (stored?.doc.revision.n ?? 0) + 1 };
}
