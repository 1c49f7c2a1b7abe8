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

/** How long a request that names a version on trial waits for the result. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 500;
/** What came of a load is in a heartbeat; this is for what no heartbeat has told. */
const SWEEP_MS = 10_000;
/** What is untested is told to all workers that ask within this time by one look at Postgres. */
const TOLD_MS = 1000;

type Parts = {
  database: Database;
  instances: LiveInstances;
  routes: RouteStore;
  artifactBases: readonly string[];
  log: Logger;
};

/**
 * The first load of every version. Workers fetch `untested()`, load each version once and report the result in their
 * heartbeats; this loop stores it. Versions with an `infra.url` are not loaded by workers and stay untested.
 */
export class Trials {
  private readonly parts: Parts;
  private timer: NodeJS.Timeout | undefined;
  private busy = false;
  /** What {@link LiveInstances.changes} was at the last look that succeeded, and when the next one is due anyway. */
  private seen = -1;
  private sweepAt = 0;
  private told: { until: number; items: Promise<Loadable[]> } | undefined;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  start(): void {
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** What workers are to try: what was found for another one a moment ago, or now. */
  toTry(): Promise<Loadable[]> {
    const now = steadyNow();
    if (!this.told || this.told.until <= now) {
      const items = this.untested();
      this.told = { until: now + TOLD_MS, items };
      items.catch(() => {
        this.told = undefined;
      });
    }
    return this.told.items;
  }

  /** A version was registered here: the next request for versions to try gets it. */
  registered(): void {
    this.told = undefined;
  }

  /** Versions without any result come first, so that versions that keep waiting do not delay them. */
  private async untested(): Promise<Loadable[]> {
    const rows = await this.parts.database.query<Version>(
      `${VERSIONS} WHERE l.state = 'untested' AND v.bundle->'infra'->>'url' IS NULL
       ORDER BY l.reason <> '', v.created_at LIMIT 100`,
    );
    return rows.map((v) => loadable(v, this.parts.artifactBases));
  }

  private async look(): Promise<void> {
    const now = steadyNow();
    const changes = this.parts.instances.changes();
    if (this.busy || (changes === this.seen && now < this.sweepAt)) return;
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
      this.seen = changes;
      this.sweepAt = now + SWEEP_MS;
    } catch (error) {
      log.warn(
        { error: (error as Error).message },
        'the results of first loads could not be stored; this is retried later',
      );
    } finally {
      this.busy = false;
    }
  }

  private async store({ model, version }: VersionRef, { state, reason }: LoadTrial): Promise<boolean> {
    const changed = await this.parts.database.query(
      `UPDATE version_loads SET state = $3, reason = $4
       WHERE model = $1 AND version = $2 AND state = 'untested' AND (state, reason) <> ($3, $4) RETURNING model`,
      [model, version, state, reason],
    );
    this.told = undefined;
    return changed.length > 0;
  }

  /**
   * Waits until a worker has tried the version. Without a live worker the version is let through: it then enters a
   * route, and leaves it when it cannot be loaded.
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
