import { type Loadable } from '@slipway/contracts';
import { type LoadTrial, type Version } from '@slipway/model';
import { formatVersion, ProblemError, type VersionRef } from '@slipway/core';
import { type Logger, steadyNow } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import type { LiveInstances } from '../instance/live-instances.ts';
import { loadable } from '../route/loadable.ts';
import type { RouteStore } from '../route/route.store.ts';
import { findVersion, VERSIONS } from '../model/model.store.ts';
import { trialOf } from './trial.ts';

/** Whoever names a version that is being tried waits for so long for what comes of it. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 500;

type Parts = {
  database: Database;
  instances: LiveInstances;
  routes: RouteStore;
  artifactBases: readonly string[];
  log: Logger;
};

/**
 * The first load of every version. Workers fetch `untested()`, load each one once and say in their heartbeats what came
 * of it; this loop stores it. Versions with an `infra.url` are loaded by nobody and stay untested.
 */
export class Trials {
  private readonly parts: Parts;
  private timer: NodeJS.Timeout | undefined;
  private busy = false;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Those of which nothing is known come first: versions that wait for ever are in nobody's way. */
  async untested(): Promise<Loadable[]> {
    const rows = await this.parts.database.query<Version>(
      `${VERSIONS} WHERE coalesce(l.state, 'untested') = 'untested' AND v.bundle->'infra'->>'url' IS NULL
       ORDER BY coalesce(l.reason, '') <> '', v.created_at LIMIT 100`,
    );
    return rows.map((v) => loadable(v, this.parts.artifactBases));
  }

  async look(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    const { database, instances, routes, log } = this.parts;
    try {
      const workers = instances.workers();
      let failed = false;
      for (const v of await this.untested()) {
        const trial = trialOf(v, workers);
        if (!trial || !(await this.store(v, trial))) continue;
        log.info({ model: v.model, version: v.version, ...trial }, 'the first load of a version has ended');
        failed ||= trial.state === 'failed';
      }
      if (failed) {
        await database.transaction((sql) => routes.recompileAll(sql, steadyNow()));
        routes.published();
      }
    } catch (error) {
      log.warn(
        { error: (error as Error).message },
        'the results of first loads could not be stored; tried again later',
      );
    } finally {
      this.busy = false;
    }
  }

  private async store({ model, version }: VersionRef, { state, reason }: LoadTrial): Promise<boolean> {
    const changed = await this.parts.database.query(
      `INSERT INTO version_loads AS l (model, version, state, reason) VALUES ($1, $2, $3, $4)
       ON CONFLICT (model, version) DO UPDATE SET state = $3, reason = $4
       WHERE l.state = 'untested' AND (l.state, l.reason) <> ($3, $4) RETURNING model`,
      [model, version, state, reason],
    );
    return changed.length > 0;
  }

  /**
   * Waits until a worker has tried the version. Without a live worker nobody can say, and it is let through: it then
   * enters a route, and leaves it when it cannot be loaded.
   * @throws ProblemError conflict when workers have not been able to try it for 30 s
   */
  async settled({ model, version }: VersionRef): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await findVersion(this.parts.database, model, version);
      if (found?.loadable.state !== 'untested' || found.bundle.infra.url) return;
      if (this.parts.instances.workers().length === 0) return;
      if (performance.now() > deadline)
        throw new ProblemError(
          'conflict',
          `${formatVersion({ model, version })} has not been loaded by any worker ` +
            `yet${found.loadable.reason ? `: ${found.loadable.reason}` : ''}; ask again`,
        );
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS / 5));
    }
  }
}
