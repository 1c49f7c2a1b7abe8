import { type Model } from '@slipway/contracts';
import { formatVersion, ProblemError, type VersionRef } from '@slipway/core';
import type { Actor } from '../actor/actor.ts';
import { appendAudit, wasDeleted } from '../audit/audit.store.ts';
import type { Sql } from '../database/database.store.ts';

export const MODELS =
  'name, description, created_at::float8 AS created_at, created_by, retired_at::float8 AS retired_at';

export const retired = (model: string) =>
  new ProblemError('conflict', `the model "${model}" was retired; give a new one another name`);

/**
 * Locks the version, if it exists, and its model: until the transaction ends they can be neither deleted nor retired.
 * @throws ProblemError conflict when the model was retired
 */
export async function holdVersion(sql: Sql, { model, version }: VersionRef): Promise<void> {
  const [row] = await sql.query<{ retired: boolean }>(
    `SELECT m.retired_at IS NOT NULL AS retired FROM versions v JOIN models m ON m.name = v.model
      WHERE v.model = $1 AND v.version = $2 FOR KEY SHARE OF v FOR SHARE OF m`,
    [model, version],
  );
  if (row?.retired) throw retired(model);
}

/**
 * Deletes a version that has never served and is not referenced; repeating it changes nothing.
 *
 * @throws ProblemError not_found, or conflict naming the reference
 */
export async function removeVersion(sql: Sql, ref: VersionRef, actor: Actor, now: number): Promise<void> {
  const { model, version } = ref;
  const aggregate = `version/${formatVersion(ref)}`;
  const [served] = await sql.query('SELECT 1 FROM served_versions WHERE model = $1 AND version = $2', [model, version]);
  if (served) throw new ProblemError('conflict', `${formatVersion(ref)} has served: it is kept for the audit`);
  const gone = await sql.query<{ digest: string }>(
    'DELETE FROM versions WHERE model = $1 AND version = $2 RETURNING digest',
    [model, version],
  );
  if (gone.length === 0) {
    if (await wasDeleted(sql, aggregate)) return;
    throw new ProblemError('not_found', `there is no version ${version} of the model "${model}"`);
  }
  // A transaction that began to refer to it earlier holds its lock, so that its reference is visible here.
  const names = JSON.stringify(ref);
  const [endpoint] = await sql.query<{ name: string }>(
    'SELECT name FROM endpoints WHERE current @> $1::jsonb OR previous @> $1::jsonb LIMIT 1',
    [names],
  );
  if (endpoint) throw new ProblemError('conflict', `the endpoint "${endpoint.name}" names ${formatVersion(ref)}`);
  const [rollout] = await sql.query<{ id: string }>(
    `SELECT id FROM rollouts WHERE status IN ('created', 'running', 'paused')
      AND (doc->'control' @> $1::jsonb OR doc->'spec'->'candidate' @> $1::jsonb
        OR doc->'spec'->'candidates' @> jsonb_build_array($1::jsonb)) LIMIT 1`,
    [names],
  );
  if (rollout)
    throw new ProblemError('conflict', `the rollout ${rollout.id} names ${formatVersion(ref)}; abort it first`);
  const state = { ...ref, digest: gone[0]?.digest };
  await appendAudit(sql, { aggregate, actor, action: 'delete', reason: '', state, now });
}

/** Deletes a model with its versions, if each of them may be deleted. @throws ProblemError not_found, conflict */
export async function removeModel(sql: Sql, model: string, actor: Actor, now: number): Promise<void> {
  const aggregate = `model/${model}`;
  const [known] = await sql.query('SELECT 1 FROM models WHERE name = $1 FOR UPDATE', [model]);
  if (!known) {
    if (await wasDeleted(sql, aggregate)) return;
    throw new ProblemError('not_found', `there is no model "${model}"`);
  }
  const versions = await sql.query<{ version: number }>(
    'SELECT version FROM versions WHERE model = $1 ORDER BY version',
    [model],
  );
  for (const { version } of versions) await removeVersion(sql, { model, version }, actor, now);
  await sql.query('DELETE FROM models WHERE name = $1', [model]);
  await appendAudit(sql, { aggregate, actor, action: 'delete', reason: '', state: { name: model }, now });
}

/**
 * Retires a model: it gets no more versions, and no endpoint or rollout can start to use its versions. Repeating it
 * changes nothing.
 * @throws ProblemError not_found, or conflict naming what still serves or may come to serve a version of it
 */
export async function retireModel(
  sql: Sql,
  name: string,
  { reason, actor, now }: { reason: string; actor: Actor; now: number },
): Promise<Model> {
  const [model] = await sql.query<Model>(`SELECT ${MODELS} FROM models WHERE name = $1 FOR UPDATE`, [name]);
  if (!model) throw new ProblemError('not_found', `there is no model "${name}"`);
  if (model.retired_at !== null) return model;
  const [endpoint] = await sql.query<{ name: string }>(
    `SELECT name FROM endpoints
      WHERE retired_at IS NULL AND (current->>'model' = $1 OR previous->>'model' = $1) LIMIT 1`,
    [name],
  );
  if (endpoint)
    throw new ProblemError(
      'conflict',
      `the endpoint "${endpoint.name}" serves "${name}" or may return to it; retire that first`,
    );
  const [rollout] = await sql.query<{ id: string }>(
    `SELECT id FROM rollouts WHERE status IN ('created', 'running', 'paused')
      AND ($1 IN (doc->'control'->>'model', doc->'spec'->'candidate'->>'model')
        OR doc->'spec'->'candidates' @> jsonb_build_array(jsonb_build_object('model', $1::text))) LIMIT 1`,
    [name],
  );
  if (rollout)
    throw new ProblemError('conflict', `the rollout ${rollout.id} names a version of "${name}"; abort it first`);
  const state: Model = { ...model, retired_at: now };
  await sql.query('UPDATE models SET retired_at = $2 WHERE name = $1', [name, now]);
  await appendAudit(sql, { aggregate: `model/${name}`, actor, action: 'retire', reason, state, now });
  return state;
}

/** The highest version number that the model has had, deleted ones included; 0 without any. */
export async function highestVersion(sql: Sql, model: string): Promise<number> {
  const [last] = await sql.query<{ version: number | null }>(
    `SELECT max((state->>'version')::int) AS version FROM audit WHERE aggregate LIKE $1 AND state->>'model' = $2`,
    [`version/${model.replace(/[\\%_]/g, '\\$&')}:%`, model],
  );
  return last?.version ?? 0;
}
