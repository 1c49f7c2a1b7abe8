import { type BodyOf, type Endpoint, type registryApi, topics } from '@slipway/contracts';
import { formatVersion, ProblemError, type VersionRef } from '@slipway/core';
import { candidatesOf } from '@slipway/release';
import type { Actor } from '../actor/actor.ts';
import { appendAudit, wasDeleted } from '../audit/audit.store.ts';
import type { Database, Sql } from '../database/database.store.ts';
import { holdVersion } from '../model/removal.store.ts';
import { enqueueState } from '../outbox/outbox.store.ts';
import { findVersion } from '../model/model.store.ts';
import { checkLoadable } from '../trial/trial.ts';
import type { Trials } from '../trial/trial.loop.ts';
import { findRollout, type RolloutStore } from '../rollout/rollout.store.ts';
import type { RouteStore } from '../route/route.store.ts';
import {
  endpointInUse,
  endpointRow,
  endpointView,
  rolloutUnderWay,
  setRolledBack,
  setVersions,
} from '../endpoint/endpoint.store.ts';

/** Changes of endpoints, each one transaction: state, audit row, route and outbox. */
export class EndpointService {
  private readonly database: Database;
  private readonly routes: RouteStore;
  private readonly rollouts: RolloutStore;
  private readonly trials: Trials;
  constructor(database: Database, routes: RouteStore, rollouts: RolloutStore, trials: Trials) {
    this.trials = trials;
    this.database = database;
    this.routes = routes;
    this.rollouts = rollouts;
  }

  async put(
    name: string,
    input: BodyOf<typeof registryApi.endpoints.put>,
    actor: Actor,
    now: number,
  ): Promise<Endpoint> {
    const ref = { model: input.model, version: input.version };
    await this.trials.settled(ref);
    const view = await this.database.transaction(async (sql) => {
      await holdVersion(sql, ref);
      const version = await findVersion(sql, ref.model, ref.version);
      if (!version)
        throw new ProblemError(
          'unmet_reference',
          `version: there is no version ${ref.version} of a model "${ref.model}"`,
        );
      checkLoadable('version', version);
      const created = await sql.query(
        `INSERT INTO endpoints (name, current, unit, timeout_ms, created_at)
          VALUES ($1, $2, $3, $4, $5)
          ON CONFLICT DO NOTHING RETURNING name`,
        [name, JSON.stringify(ref), input.unit, input.timeout_ms, now],
      );
      const row = await endpointInUse(sql, name);
      const another = formatVersion(row.current) !== formatVersion(ref);
      if (created.length === 0) {
        if (another && row.served_at === null && (await rolloutUnderWay(sql, name)) === null)
          await setVersions(sql, name, ref, null);
        else if (another)
          throw new ProblemError(
            'conflict',
            `the endpoint serves ${formatVersion(row.current)}; another version takes its place by a rollout`,
          );
        await sql.query('UPDATE endpoints SET unit = $2, timeout_ms = $3 WHERE name = $1', [
          name,
          input.unit,
          input.timeout_ms,
        ]);
      }
      const after = await endpointRow(sql, name);
      await appendAudit(sql, {
        aggregate: `endpoint/${name}`,
        actor,
        action: created.length > 0 ? 'create' : another ? 'change' : 'configure',
        reason: '',
        state: after,
        now,
      });
      await this.routes.recompile(sql, name, now);
      return endpointView(sql, after);
    });
    this.routes.published();
    return view;
  }

  /**
   * Deletes an endpoint that has never served, with its rollouts; again, it changes nothing.
   *
   * @throws ProblemError unknown_endpoint, or conflict when it has served or a rollout is under way
   */
  async remove(name: string, actor: Actor, now: number): Promise<void> {
    await this.database.transaction(async (sql) => {
      const [known] = await sql.query('SELECT 1 FROM endpoints WHERE name = $1', [name]);
      if (!known && (await wasDeleted(sql, `endpoint/${name}`))) return;
      const row = await this.idle(sql, name);
      if (row.served_at !== null)
        throw new ProblemError(
          'conflict',
          `the endpoint "${name}" has served: it is kept for the audit; end its traffic with POST ` +
            `/v1/endpoints/${name}/retire`,
        );
      for (const table of ['evidence_latest', 'evidence_log'])
        await sql.query(`DELETE FROM ${table} WHERE rollout_id IN (SELECT id FROM rollouts WHERE endpoint = $1)`, [
          name,
        ]);
      const rollouts = await sql.query<{ id: string }>('DELETE FROM rollouts WHERE endpoint = $1 RETURNING id', [name]);
      for (const { id } of rollouts) await enqueueState(sql, topics.rollouts, id, now);
      await this.routes.withdraw(sql, name, now, 'the endpoint was deleted');
      await sql.query('DELETE FROM endpoints WHERE name = $1', [name]);
      await appendAudit(sql, {
        aggregate: `endpoint/${name}`,
        actor,
        action: 'delete',
        reason: '',
        state: { name },
        now,
      });
    });
    this.routes.published();
  }

  /**
   * Ends the traffic of an endpoint permanently; again, it changes nothing.
   * @throws ProblemError unknown_endpoint, conflict
   */
  async retire(name: string, reason: string, actor: Actor, now: number): Promise<Endpoint> {
    const view = await this.database.transaction(async (sql) => {
      const row = await this.idle(sql, name);
      if (row.retired_at === null) {
        await this.routes.withdraw(sql, name, now, 'the endpoint was retired');
        await sql.query('UPDATE endpoints SET retired_at = $2 WHERE name = $1', [name, now]);
        const state = await endpointRow(sql, name);
        await appendAudit(sql, { aggregate: `endpoint/${name}`, actor, action: 'retire', reason, state, now });
      }
      return endpointView(sql, await endpointRow(sql, name));
    });
    this.routes.published();
    return view;
  }

  private async idle(sql: Sql, name: string) {
    const row = await endpointRow(sql, name, true);
    const underWay = await rolloutUnderWay(sql, name);
    if (underWay !== null)
      throw new ProblemError('conflict', `the rollout ${underWay} of "${name}" is under way; abort it first`);
    return row;
  }

  /**
   * Ends the rollout under way by rolling it back; without one, puts the version before in place of the current one at
   * once. What was rolled back stays so until another rollout starts: a second rollback changes nothing, unless it says
   * `from` which version it leaves and that one serves.
   *
   * @throws ProblemError conflict when there is nothing to return to, or `from` does not serve
   */
  async rollBack(
    name: string,
    { reason, from }: BodyOf<typeof registryApi.endpoints.rollBack>,
    actor: Actor,
    now: number,
  ): Promise<Endpoint> {
    for (let attempt = 1; ; attempt++) {
      const underWay = await this.returnToPrevious(name, reason, from, actor, now);
      if (underWay === null) break;
      try {
        await this.rollouts.command(underWay, { command: 'rollBack', reason }, actor, now);
        break;
      } catch (error) {
        // It has ended meanwhile, by itself or by somebody else: what is there to roll back now?
        if (!(error instanceof ProblemError) || error.code !== 'conflict' || attempt === 3) throw error;
      }
    }
    this.routes.published();
    return endpointView(this.database, await endpointRow(this.database, name));
  }

  /** @returns the rollout that is under way, and then nothing was changed; null otherwise */
  private returnToPrevious(
    name: string,
    reason: string,
    from: VersionRef | undefined,
    actor: Actor,
    now: number,
  ): Promise<string | null> {
    return this.database.transaction(async (sql) => {
      const row = await endpointInUse(sql, name);
      const underWay = await rolloutUnderWay(sql, name);
      const left = underWay === null ? [row.current] : candidatesOf((await findRollout(sql, underWay)).spec);
      const isAmong = (refs: readonly VersionRef[]) => from && refs.map(formatVersion).includes(formatVersion(from));
      if (from && !isAmong(left)) {
        if (isAmong(row.rolled_back)) return null;
        throw new ProblemError(
          'conflict',
          `from: a rollback of "${name}" would leave ${left.map(formatVersion).join(', ')} now, not ` +
            formatVersion(from),
        );
      }
      if (underWay !== null || (row.rolled_back.length > 0 && !from)) return underWay;
      if (!row.previous)
        throw new ProblemError(
          'conflict',
          `the endpoint "${name}" has no version to return to from ${formatVersion(row.current)}`,
        );
      // What is rolled back is nothing to return to.
      await setVersions(sql, name, row.previous, null);
      await setRolledBack(sql, name, [row.current]);
      const after = await endpointRow(sql, name);
      await appendAudit(sql, { aggregate: `endpoint/${name}`, actor, action: 'rollBack', reason, state: after, now });
      await this.routes.recompile(sql, name, now);
      return null;
    });
  }
}
