import type { Revision, VersionRef } from '@slipway/core';
import { formatVersion } from '@slipway/core';
import { type ReceivedEvidence, remainingCandidates, type Rollout } from '@slipway/release';
import type { Sql } from '../database/database.store.ts';
import { latestEvidence } from './evidence.store.ts';

/** What the registry has to know of a version to say who could answer for it. */
export type Standing = VersionRef & {
  digest: string;
  /** Where others serve it; null when workers load it. */
  url: string | null;
  /** What came of its first load. */
  state: 'untested' | 'loaded' | 'failed';
  reason: string;
};

/** All that Postgres has to decide on a rollout. */
export type Scene = {
  rollout: Rollout;
  evidence: readonly ReceivedEvidence[];
  /** Of the endpoint's route. */
  route: Revision | null;
  /** By `model:version`. */
  versions: ReadonlyMap<string, Standing>;
};

/**
 * The rollouts that are not settled, in three statements however many they are.
 *
 * @param ids only these; all when null
 */
export async function scenes(sql: Sql, ids: readonly string[] | null): Promise<Scene[]> {
  const rows = await sql.query<{ doc: Rollout; route: Revision | null }>(
    `SELECT r.doc, t.doc->'revision' AS route
     FROM rollouts r LEFT JOIN routes t ON t.endpoint = r.endpoint
     WHERE NOT r.settled AND ($1::uuid[] IS NULL OR r.id = ANY($1::uuid[]))`,
    [ids],
  );
  if (rows.length === 0) return [];
  const evidence = await latestEvidence(
    sql,
    rows.map((r) => r.doc.id),
  );
  const versions = await standings(
    sql,
    rows.flatMap((r) => [r.doc.control, ...remainingCandidates(r.doc)]),
  );
  return rows.map(({ doc, route }) => ({ rollout: doc, evidence: evidence.get(doc.id) ?? [], route, versions }));
}

async function standings(sql: Sql, refs: readonly VersionRef[]): Promise<Map<string, Standing>> {
  const named = [...new Map(refs.map((ref) => [formatVersion(ref), ref])).values()];
  const rows = await sql.query<Standing>(
    `SELECT v.model, v.version, v.digest, v.bundle->'infra'->>'url' AS url,
       coalesce(l.state, 'untested') AS state, coalesce(l.reason, '') AS reason
     FROM unnest($1::text[], $2::int[]) AS named(model, version)
     JOIN versions v USING (model, version) LEFT JOIN version_loads l USING (model, version)`,
    [named.map((ref) => ref.model), named.map((ref) => ref.version)],
  );
  return new Map(rows.map((v) => [formatVersion(v), v]));
}
