import { canonicalJson } from '@slipway/core';
import { type Version } from '@slipway/model';
import { formatVersion, type Revision, type VersionRef } from '@slipway/core';
import { remainingCandidates, type Rollout } from '@slipway/release';
import { type Route, topics } from '@slipway/contracts';
import { targetsOf } from '@slipway/routing';
import { system } from '../actor/actor.ts';
import { appendAudit } from '../audit/audit.store.ts';
import type { Sql } from '../database/database.store.ts';
import { type EndpointRow, endpointInUse } from '../endpoint/endpoint.store.ts';
import type { LiveInstances } from '../instance/live-instances.ts';
import { outcomeNames } from '../metric/metric.store.ts';
import { findVersion } from '../model/model.store.ts';
import { currentEpoch } from '../outbox/epoch.store.ts';
import { enqueueState } from '../outbox/outbox.store.ts';
import type { OutboxPublisher } from '../outbox/publisher.loop.ts';
import { Republish } from '../outbox/republish.ts';
import { compileRoute } from './compile.ts';
import { VersionStates } from './version-state.store.ts';

/** On whose account, and why; the registry's own by default. */
type Because = { actor?: { name: string; role: 'system' }; reason?: string };

/** Keeps each endpoint's route equal to what follows from the control plane's state and the live workers. */
export class RouteStore extends Republish {
  private readonly instances: LiveInstances;
  private readonly publisher: OutboxPublisher;
  private readonly versions: VersionStates;
  private readonly settings: { artifactBases: string[]; leaseMs: number; targetHosts: string[] };
  constructor(instances: LiveInstances, publisher: OutboxPublisher, settings: RouteStore['settings']) {
    super();
    this.instances = instances;
    this.publisher = publisher;
    this.settings = settings;
    this.versions = new VersionStates(settings);
  }

  /** To be called after the commit of a transaction that recompiled. */
  published(): void {
    this.publisher.kick();
  }

  /**
   * Stores and enqueues the route again if it differs from the stored one, and what follows of the versions that it
   * names. @returns the revision that is in force then
   */
  async recompile(sql: Sql, endpoint: string, now: number, because: Because = {}): Promise<Revision> {
    const { revision, versions } = await this.derive(sql, endpoint, now, because);
    await this.versions.settle(sql, versions, now);
    return revision;
  }

  private async derive(
    sql: Sql,
    endpoint: string,
    now: number,
    because: Because,
  ): Promise<{ revision: Revision; versions: Version[] }> {
    const row = await endpointInUse(sql, endpoint);
    const [underWay] = await sql.query<{ doc: Rollout }>(
      "SELECT doc FROM rollouts WHERE endpoint = $1 AND status IN ('running', 'paused')",
      [endpoint],
    );
    const [stored] = await sql.query<{ doc: Route }>('SELECT doc FROM routes WHERE endpoint = $1', [endpoint]);
    const before = stored?.doc ?? null;
    const versions = await namedVersions(sql, row, underWay?.doc);
    const compiled = compileRoute({
      endpoint: row,
      rollout: underWay?.doc ?? null,
      versions,
      addressesOf: (v) => this.instances.addressesOf(v.model, v.version, v.digest),
      mayReturn: (v) => this.instances.mayReturn(v.model, v.version),
      before,
      leaseMs: this.settings.leaseMs,
      targetHosts: this.settings.targetHosts,
      outcomeNames: await outcomeNames(sql),
    });
    if (before) {
      const { revision, published_at: _, ...same } = before;
      if (canonicalJson(same) === canonicalJson(compiled)) return { revision, versions: [...versions.values()] };
    }
    const route: Route = {
      ...compiled,
      revision: { epoch: await currentEpoch(sql), n: (before?.revision.n ?? (await lastNumber(sql, endpoint))) + 1 },
      published_at: now,
    };
    await sql.query(
      'INSERT INTO routes (endpoint, doc) VALUES ($1, $2) ON CONFLICT (endpoint) DO UPDATE SET doc = $2',
      [endpoint, JSON.stringify(route)],
    );
    await rememberServing(sql, row, route, now);
    await appendAudit(sql, {
      aggregate: `route/${endpoint}`,
      actor: because.actor ?? system('registry'),
      action: 'publish',
      reason: because.reason ?? '',
      state: route,
      now,
    });
    await enqueueState(sql, topics.routes, endpoint, now);
    return { revision: route.revision, versions: [...versions.values()] };
  }

  /** Takes the endpoint's route from all routers: a tombstone on `routes.v1`; and its versions from the workers. */
  async withdraw(sql: Sql, endpoint: string, now: number, reason: string): Promise<void> {
    const [stored] = await sql.query<{ doc: Route }>('DELETE FROM routes WHERE endpoint = $1 RETURNING doc', [
      endpoint,
    ]);
    if (!stored) return;
    const revision = { epoch: await currentEpoch(sql), n: stored.doc.revision.n + 1 };
    await appendAudit(sql, {
      aggregate: `route/${endpoint}`,
      actor: system('registry'),
      action: 'withdraw',
      reason,
      state: { endpoint, revision },
      now,
    });
    await enqueueState(sql, topics.routes, endpoint, now);
    await this.versions.settle(sql, [], now);
  }

  async recompileAll(sql: Sql, now: number): Promise<void> {
    const named = new Map<string, Version>();
    for (const { name } of await sql.query<{ name: string }>(
      'SELECT name FROM endpoints WHERE retired_at IS NULL ORDER BY name',
    )) {
      const { versions } = await this.derive(sql, name, now, {});
      for (const v of versions) named.set(formatVersion(v), v);
    }
    await this.versions.settle(sql, [...named.values()], now);
  }
}

/** The last revision of a route that was withdrawn: an endpoint of the same name goes on from there. */
async function lastNumber(sql: Sql, endpoint: string): Promise<number> {
  const [last] = await sql.query<{ n: number }>(
    "SELECT (state->'revision'->>'n')::int AS n FROM audit WHERE aggregate = $1 ORDER BY n DESC LIMIT 1",
    [`route/${endpoint}`],
  );
  return last?.n ?? 0;
}

/** What has an address in a route may have answered, and is kept from then on. */
async function rememberServing(sql: Sql, endpoint: EndpointRow, route: Route, now: number): Promise<void> {
  if (endpoint.served_at === null && route.branches.some((b) => b.target.addresses.length > 0))
    await sql.query('UPDATE endpoints SET served_at = $2 WHERE name = $1', [endpoint.name, now]);
  for (const target of targetsOf(route))
    if (target.addresses.length > 0)
      await sql.query(
        'INSERT INTO served_versions (model, version, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [target.model, target.version, now],
      );
}

async function namedVersions(
  sql: Sql,
  endpoint: EndpointRow,
  rollout: Rollout | undefined,
): Promise<Map<string, Version>> {
  const refs: VersionRef[] = [
    endpoint.current,
    ...(endpoint.previous ? [endpoint.previous] : []),
    ...(rollout ? remainingCandidates(rollout) : []),
  ];
  const found = new Map<string, Version>();
  for (const ref of refs) {
    const v = await findVersion(sql, ref.model, ref.version);
    if (v) found.set(formatVersion(ref), v);
  }
  return found;
}
