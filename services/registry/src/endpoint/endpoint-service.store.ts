import { type Endpoint, endpointInputSchema, formatVersion, ProblemError } from '@slipway/contracts';
import type { z } from 'zod';
import { type Actor, appendAudit } from '../audit/audit.store.ts';
import type { Database } from '../database/database.store.ts';
import { findVersion } from '../model/model.store.ts';
import { checkLoadable } from '../model/trial.ts';
import type { Trials } from '../model/trial.loop.ts';
import type { RolloutStore } from '../rollout/rollout.store.ts';
import type { RouteStore } from '../route/route.store.ts';
import { endpointRow, endpointView, setVersions } from './endpoint.store.ts';

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

  async put(name: string, input: z.output<typeof endpointInputSchema>, actor: Actor, now: number): Promise<Endpoint> {
    const ref = { model: input.model, version: input.version };
    await this.trials.settled(ref);
    const view = await this.database.transaction(async (sql) => {
      const version = await findVersion(sql, ref.model, ref.version);
      if (!version)
        throw new ProblemError(
          'unmet_reference',
          `version: there is no version ${ref.version} of a model "${ref.model}"`,
        );
      checkLoadable('version', version);
      const created = await sql.query(
        'INSERT INTO endpoints (name, current, unit, timeout_ms, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING name',
        [name, JSON.stringify(ref), input.unit, input.timeout_ms, now],
      );
      const row = await endpointRow(sql, name, true);
      if (created.length === 0) {
        if (formatVersion(row.current) !== formatVersion(ref))
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
        action: created.length > 0 ? 'create' : 'configure',
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
   * Ends the rollout under way by rolling back; without one, puts the version before in place of the current one at
   * once.
   */
  async rollBack(name: string, reason: string, actor: Actor, now: number): Promise<Endpoint> {
    const before = await endpointView(this.database, await endpointRow(this.database, name));
    if (before.rollout_id) {
      await this.rollouts.command(before.rollout_id, { command: 'rollBack', reason }, actor, now);
      return endpointView(this.database, await endpointRow(this.database, name));
    }
    const view = await this.database.transaction(async (sql) => {
      const row = await endpointRow(sql, name, true);
      if (!row.previous)
        throw new ProblemError(
          'conflict',
          `the endpoint "${name}" has had no version before ${formatVersion(row.current)}`,
        );
      await setVersions(sql, name, row.previous, row.current);
      const after = await endpointRow(sql, name);
      await appendAudit(sql, { aggregate: `endpoint/${name}`, actor, action: 'rollBack', reason, state: after, now });
      await this.routes.recompile(sql, name, now);
      return endpointView(sql, after);
    });
    this.routes.published();
    return view;
  }
}
