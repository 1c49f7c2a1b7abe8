import { bundleDigest, type Bundle, hostAllowed, hostRefusal, type Version } from '@slipway/model';
import { type Model } from '@slipway/contracts';
import { formatVersion, ProblemError } from '@slipway/core';
import { protocols, tensorProtocols } from '@slipway/protocol';
import type { Actor } from '../actor/actor.ts';
import { appendAudit, wasDeleted } from '../audit/audit.store.ts';
import type { ArtifactStore } from '../artifact/artifact.store.ts';
import type { Database, Sql } from '../database/database.store.ts';
import { requireBounded } from './version-bounds.ts';
import { highestVersion, MODELS, removeModel, removeVersion, retired, retireModel } from './removal.store.ts';
import { referenceProfile } from './profile.store.ts';

/** Hosts that a bundle may name. */
export type Hosts = { artifact: readonly string[]; target: readonly string[] };
type Row<T> = { [K in keyof T]: T[K] };

export const VERSIONS = `SELECT v.model, v.version, v.digest, v.bundle, v.created_at::float8 AS created_at,
  v.created_by, v.profile, v.profile_note,
  jsonb_build_object('state', coalesce(l.state, 'untested'), 'reason', coalesce(l.reason, '')) AS loadable
  FROM versions v LEFT JOIN version_loads l USING (model, version)`;

export async function findVersion(sql: Sql, model: string, version: number): Promise<Version | undefined> {
  const [row] = await sql.query<Row<Version>>(`${VERSIONS} WHERE v.model = $1 AND v.version = $2`, [model, version]);
  return row;
}

export class ModelStore {
  private readonly database: Database;
  private readonly artifacts: ArtifactStore;
  private readonly hosts: Hosts;
  private readonly registered: () => void;
  /** @param registered called when there is a new version for workers to try */
  constructor(database: Database, artifacts: ArtifactStore, hosts: Hosts, registered: () => void) {
    this.hosts = hosts;
    this.registered = registered;
    this.database = database;
    this.artifacts = artifacts;
  }

  async create(input: { name: string; description: string }, actor: Actor, now: number): Promise<Model> {
    return this.database.transaction(async (sql) => {
      const model: Model = { ...input, created_at: now, created_by: actor.name, retired_at: null };
      const inserted = await sql.query(
        `INSERT INTO models (name, description, created_at, created_by)
          VALUES ($1, $2, $3, $4)
          ON CONFLICT DO NOTHING RETURNING name`,
        [model.name, model.description, now, actor.name],
      );
      if (inserted.length === 0) throw new ProblemError('conflict', `a model "${model.name}" exists already`);
      await appendAudit(sql, {
        aggregate: `model/${model.name}`,
        actor,
        action: 'create',
        reason: '',
        state: model,
        now,
      });
      return model;
    });
  }

  async list(cursor: string | undefined, limit: number) {
    const rows = await this.database.query<Model>(
      `SELECT ${MODELS} FROM models WHERE name > $1 ORDER BY name LIMIT $2`,
      [cursor ?? '', limit + 1],
    );
    return { items: rows.slice(0, limit), next_cursor: rows.length > limit ? (rows[limit - 1]?.name ?? null) : null };
  }

  async versions(model: string, cursor: string | undefined, limit: number) {
    const [known] = await this.database.query('SELECT name FROM models WHERE name = $1', [model]);
    if (!known) throw new ProblemError('not_found', `there is no model "${model}"`);
    const rows = await this.database.query<Version>(
      `${VERSIONS} WHERE v.model = $1 AND v.version > $2 ORDER BY v.version LIMIT $3`,
      [model, Number(cursor ?? 0), limit + 1],
    );
    return { items: rows.slice(0, limit), next_cursor: rows.length > limit ? String(rows[limit - 1]?.version) : null };
  }

  async version(model: string, version: number): Promise<Version> {
    const found = await findVersion(this.database, model, version);
    if (!found) throw new ProblemError('not_found', `there is no version ${version} of the model "${model}"`);
    return found;
  }

  remove(model: string, actor: Actor, now: number): Promise<void> {
    return this.database.transaction((sql) => removeModel(sql, model, actor, now));
  }

  retire(model: string, reason: string, actor: Actor, now: number): Promise<Model> {
    return this.database.transaction((sql) => retireModel(sql, model, { reason, actor, now }));
  }

  removeVersion(model: string, version: number, actor: Actor, now: number): Promise<void> {
    return this.database.transaction((sql) => removeVersion(sql, { model, version }, actor, now));
  }

  /**
   * Registers a version. Repeating it with the same bundle and number changes nothing; another bundle with the number
   * is refused.
   */
  async register(
    model: string,
    input: { version?: number | undefined; bundle: Bundle },
    actor: Actor,
    now: number,
  ): Promise<{ version: Version; created: boolean }> {
    requireBounded(input.bundle);
    requireProtocol(input.bundle);
    const digest = bundleDigest(input.bundle);
    const made = await this.database.transaction(async (sql) => {
      const [known] = await sql.query<Model>(`SELECT ${MODELS} FROM models WHERE name = $1 FOR UPDATE`, [model]);
      if (!known) throw new ProblemError('not_found', `there is no model "${model}"`);
      if (known.retired_at !== null) throw retired(model);
      const number = input.version ?? (await highestVersion(sql, model)) + 1;
      const existing = await findVersion(sql, model, number);
      if (existing?.digest === digest) return { version: existing, created: false };
      if (existing)
        throw new ProblemError(
          'version_exists',
          `version ${number} of "${model}" exists with the digest ${existing.digest}; this bundle has ` +
            `${digest}; versions never change, so give it another number`,
        );
      if (await wasDeleted(sql, `version/${formatVersion({ model, version: number })}`))
        throw new ProblemError('version_exists', `version ${number} of "${model}" was deleted; give another number`);
      requireHosts(this.hosts, input.bundle);
      await requireArtifacts(sql, input.bundle);
      const { profile, note } = await referenceProfile(this.artifacts, input.bundle);
      const version: Version = {
        model,
        version: number,
        digest,
        bundle: input.bundle,
        created_at: now,
        created_by: actor.name,
        profile,
        profile_note: note,
        loadable: { state: 'untested', reason: '' },
      };
      await sql.query(
        `INSERT INTO versions (model, version, digest, bundle, created_at, created_by, profile, profile_note)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          model,
          number,
          digest,
          JSON.stringify(input.bundle),
          now,
          actor.name,
          profile ? JSON.stringify(profile) : null,
          note,
        ],
      );
      // What others serve is tried by nobody.
      if (!input.bundle.infra.url)
        await sql.query("INSERT INTO version_loads (model, version, state, reason) VALUES ($1, $2, 'untested', '')", [
          model,
          number,
        ]);
      await appendAudit(sql, {
        aggregate: `version/${formatVersion({ model, version: number })}`,
        actor,
        action: 'register',
        reason: '',
        state: { model, version: number, digest },
        now,
      });
      return { version, created: true };
    });
    this.registered();
    return made;
  }
}

/** Who serves a version is spoken to in a protocol that routers know, and where that is a worker, workers too. */
function requireProtocol({ infra }: Bundle): void {
  const spoken = (infra.url ? protocols : tensorProtocols).map(({ name }) => name);
  if (spoken.includes(infra.protocol)) return;
  const field = 'bundle.infra.protocol';
  const message = `"${infra.protocol}" is not spoken ${infra.url ? 'here' : 'by workers'}; known: ${spoken.join(', ')}`;
  throw new ProblemError('unmet_reference', `${field}: ${message}`, { errors: [{ field, message }] });
}

/** Workers fetch from `artifact.uri`, and requests go to `infra.url`: only hosts that the configuration allows. */
function requireHosts(hosts: Hosts, { artifact, infra }: Bundle): void {
  const [field, setting, allowed, url] = infra.url
    ? (['bundle.infra.url', 'TARGET_HOSTS', hosts.target, infra.url] as const)
    : (['bundle.artifact.uri', 'ARTIFACT_HOSTS', hosts.artifact, artifact.uri] as const);
  if (url === undefined || hostAllowed(allowed, url)) return;
  const message = hostRefusal(setting, allowed, url);
  throw new ProblemError('unmet_reference', `${field}: ${message}`, { errors: [{ field, message }] });
}

/** A file that the bundle names without a URI must be in the artifact store. */
async function requireArtifacts(sql: Sql, bundle: Bundle): Promise<void> {
  const named = {
    artifact: bundle.artifact,
    training_data: bundle.training_data,
    feature_definitions: bundle.feature_definitions,
    reference_profile: bundle.reference_profile,
  };
  for (const [field, ref] of Object.entries(named)) {
    if (!ref || ref.uri) continue;
    const [found] = await sql.query('SELECT sha256 FROM artifacts WHERE sha256 = $1', [ref.sha256]);
    if (!found)
      throw new ProblemError(
        'unmet_reference',
        `bundle.${field}: there is no artifact ${ref.sha256} in the store; PUT it to ` +
          `/v1/artifacts/${ref.sha256} first, or give its uri`,
        { errors: [{ field: `bundle.${field}.sha256`, message: 'is not in the artifact store' }] },
      );
  }
}
