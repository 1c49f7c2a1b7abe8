import { type Command, isUnderWay, type Rollout, type RolloutSpec, terminalStatuses } from '@slipway/release';
import { compareRevisions, formatVersion, isUuid, ProblemError, type VersionRef } from '@slipway/core';
import { type Version } from '@slipway/model';
import { type QueryOf, type registryApi, topics } from '@slipway/contracts';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../actor/actor.ts';
import { appendAudit } from '../audit/audit.store.ts';
import type { Database, Sql } from '../database/database.store.ts';
import { endpointInUse, setRolledBack, setVersions } from '../endpoint/endpoint.store.ts';
import { findMetric } from '../metric/metric.store.ts';
import { findVersion } from '../model/model.store.ts';
import { holdVersion } from '../model/removal.store.ts';
import { checkLoadable } from '../trial/trial.ts';
import { currentEpoch } from '../outbox/epoch.store.ts';
import { enqueueState } from '../outbox/outbox.store.ts';
import type { RouteStore } from '../route/route.store.ts';
import {
  candidatesOf,
  checkDrift,
  checkGoal,
  checkGuardrail,
  checkProtocol,
  checkSignature,
  goalsOf,
  isObeyed,
  obey,
  winnerOf,
  withDefaultGuardrails,
} from '@slipway/release';

/** @throws ProblemError not_found */
export async function findRollout(
  sql: Sql,
  id: string,
  lock: '' | 'FOR UPDATE' | 'FOR UPDATE SKIP LOCKED' = '',
): Promise<Rollout> {
  const [row] = isUuid(id)
    ? await sql.query<{ doc: Rollout }>(`SELECT doc FROM rollouts WHERE id = $1 ${lock}`, [id])
    : [];
  if (!row) throw new ProblemError('not_found', `there is no rollout ${id}`);
  return row.doc;
}

/**
 * Whether a version may take control's place. @throws ProblemError naming the field
 * @param found the version, where there is one
 */
function checkCandidate(
  field: string,
  endpoint: string,
  control: Version,
  { model, version }: VersionRef,
  found: Version | undefined,
): void {
  if (!found)
    throw new ProblemError('unmet_reference', `${field}: there is no version ${version} of a model "${model}"`, {
      errors: [{ field, message: 'does not exist' }],
    });
  if (formatVersion(found) === formatVersion(control))
    throw new ProblemError('conflict', `${field}: ${formatVersion(found)} is what "${endpoint}" serves already`);
  checkLoadable(field, found);
  checkProtocol(control, found, field);
  checkSignature(control, found, field);
}

/** Rollouts in Postgres: every change is one transaction of state, endpoint, route, audit row and outbox. */
export class RolloutStore {
  private readonly database: Database;
  private readonly routes: RouteStore;
  private readonly alpha: number;
  /** Called when a command has changed a rollout, maybe in a transaction that is not over yet. */
  changed: (id: string) => void = () => undefined;
  constructor(database: Database, routes: RouteStore, alpha: number) {
    this.database = database;
    this.routes = routes;
    this.alpha = alpha;
  }

  async create(given: RolloutSpec, actor: Actor, now: number): Promise<Rollout> {
    const spec = withDefaultGuardrails(given);
    return this.database.transaction(async (sql) => {
      const endpoint = await endpointInUse(sql, spec.endpoint);
      for (const candidate of candidatesOf(spec)) await holdVersion(sql, candidate);
      const control = await findVersion(sql, endpoint.current.model, endpoint.current.version);
      if (!control) throw new Error(`the endpoint's version ${formatVersion(endpoint.current)} is not known`);
      for (const [i, { model, version }] of candidatesOf(spec).entries()) {
        const field = spec.candidates ? `candidates.${i}` : 'candidate';
        checkCandidate(field, spec.endpoint, control, { model, version }, await findVersion(sql, model, version));
      }
      checkDrift(spec, control);
      const metrics = [];
      // A refusal names the field as the caller wrote it: `error_rate` may have been inserted before.
      const before = spec.guardrails.length - given.guardrails.length;
      for (const [i, g] of spec.guardrails.entries())
        metrics.push(checkGuardrail(g, await findMetric(sql, g.metric), i - before));
      for (const goal of goalsOf(spec)) metrics.push(checkGoal(goal, await findMetric(sql, goal.metric)));
      const rollout: Rollout = {
        id: uuidv7(),
        revision: { epoch: await currentEpoch(sql), n: 0 },
        spec,
        control: endpoint.current,
        metrics,
        alpha: this.alpha,
        status: 'created',
        step: -1,
        weight: 0,
        visits: [],
        created_at: now,
        created_by: actor.name,
        started_at: null,
        ended_at: null,
        reason: 'Created.',
        evidence_id: null,
        withdrawal: null,
      };
      await sql.query(
        'INSERT INTO rollouts (id, endpoint, status, settled, doc, created_at) VALUES ($1, $2, $3, true, $4, $5)',
        [rollout.id, spec.endpoint, rollout.status, JSON.stringify(rollout), now],
      );
      return this.save(sql, rollout, { actor, action: 'create', reason: '', now });
    });
  }

  async command(id: string, command: Command, actor: Actor, now: number): Promise<Rollout> {
    const after = await this.database.transaction(async (sql) => {
      const rollout = await findRollout(sql, id, 'FOR UPDATE');
      if (isObeyed(rollout, command)) return rollout;
      if (command.revision && compareRevisions(command.revision, rollout.revision) !== 0) {
        throw new ProblemError(
          'revision_mismatch',
          `the rollout is at revision ${rollout.revision.epoch}.${rollout.revision.n} (${rollout.status}), the ` +
            `command was meant for ${command.revision.epoch}.${command.revision.n}`,
        );
      }
      if (command.command === 'start') {
        for (const [i, { model, version }] of candidatesOf(rollout.spec).entries()) {
          const candidate = await findVersion(sql, model, version);
          if (candidate) checkLoadable(rollout.spec.candidates ? `candidates.${i}` : 'candidate', candidate);
        }
        const endpoint = await endpointInUse(sql, rollout.spec.endpoint);
        if (formatVersion(endpoint.current) !== formatVersion(rollout.control))
          throw new ProblemError(
            'conflict',
            `the rollout was made against ${formatVersion(rollout.control)}, but the endpoint serves ` +
              `${formatVersion(endpoint.current)} now`,
          );
      }
      return this.save(sql, obey(rollout, command, actor.name, now), {
        actor,
        action: command.command,
        reason: command.reason,
        now,
      });
    });
    this.routes.published();
    this.changed(id);
    return after;
  }

  /**
   * Gives the changed rollout its next revision and stores what follows from it. The caller holds the row's lock. A
   * rollout that took traffic from its candidate at its end is looked at until its withdrawal is complete.
   */
  async save(
    sql: Sql,
    changed: Rollout,
    { actor, action, reason, now }: { actor: Actor; action: string; reason: string; now: number },
  ): Promise<Rollout> {
    let rollout: Rollout = { ...changed, revision: { epoch: await currentEpoch(sql), n: changed.revision.n + 1 } };
    const ended = terminalStatuses.has(rollout.status);
    const withdrawn = ended && rollout.status !== 'promoted' && rollout.started_at !== null;
    await this.write(sql, rollout, !isUnderWay(rollout.status) && !withdrawn);
    const winner = winnerOf(rollout);
    if (winner) {
      const { model, version } = winner;
      await setVersions(sql, rollout.spec.endpoint, { model, version }, rollout.control);
    }
    if (rollout.status === 'rolledBack') await setRolledBack(sql, rollout.spec.endpoint, candidatesOf(rollout.spec));
    if (action === 'start') await setRolledBack(sql, rollout.spec.endpoint, []);
    const route =
      rollout.started_at === null
        ? null
        : await this.routes.recompile(sql, rollout.spec.endpoint, now, { reason: `rollout ${rollout.id}: ${action}` });
    if (withdrawn && route && !rollout.withdrawal) {
      rollout = { ...rollout, withdrawal: { route, since: now, applied: [], unreached: [], complete: false } };
      await this.write(sql, rollout, false);
    }
    await this.publish(sql, rollout, { actor, action, reason: reason || rollout.reason, now });
    return rollout;
  }

  /** Stores the progress of a withdrawal. */
  async settle(sql: Sql, changed: Rollout, settled: boolean, actor: Actor, now: number): Promise<void> {
    const rollout = { ...changed, revision: { epoch: await currentEpoch(sql), n: changed.revision.n + 1 } };
    await this.write(sql, rollout, settled);
    await this.publish(sql, rollout, { actor, action: 'withdrawal', reason: rollout.reason, now });
  }

  /** Stores why nobody can look at a rollout that is not settled, or that somebody can again. Traffic stays. */
  async note(sql: Sql, changed: Rollout, actor: Actor, now: number): Promise<void> {
    const rollout = { ...changed, revision: { epoch: await currentEpoch(sql), n: changed.revision.n + 1 } };
    await this.write(sql, rollout, false);
    const reason = rollout.fault ?? 'It can be looked at again.';
    await this.publish(sql, rollout, { actor, action: 'fault', reason, now });
  }

  private async publish(
    sql: Sql,
    rollout: Rollout,
    because: { actor: Actor; action: string; reason: string; now: number },
  ): Promise<void> {
    await appendAudit(sql, { aggregate: `rollout/${rollout.id}`, ...because, state: rollout });
    await enqueueState(sql, topics.rollouts, rollout.id, because.now);
  }

  private async write(sql: Sql, rollout: Rollout, settled: boolean): Promise<void> {
    await sql.query('UPDATE rollouts SET status = $2, settled = $3, doc = $4 WHERE id = $1', [
      rollout.id,
      rollout.status,
      settled,
      JSON.stringify(rollout),
    ]);
  }

  /** Newest first. */
  async list({ endpoint, status, cursor, limit }: QueryOf<typeof registryApi.rollouts.list>) {
    const rows = await this.database.query<{ doc: Rollout }>(
      `SELECT doc FROM rollouts
        WHERE ($1::text IS NULL OR endpoint = $1) AND ($2::text IS NULL OR status = $2)
          AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4`,
      [endpoint ?? null, status ?? null, cursor ?? null, limit + 1],
    );
    return {
      items: rows.slice(0, limit).map((r) => r.doc),
      next_cursor: rows.length > limit ? (rows[limit - 1]?.doc.id ?? null) : null,
    };
  }
}
