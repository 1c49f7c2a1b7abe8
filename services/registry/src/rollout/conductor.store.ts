import { compareRevisions, type Revision } from '@slipway/core';
import { isUnderWay, type Rollout } from '@slipway/release';
import { traceIdOf } from '@slipway/contracts';
import { type Version } from '@slipway/model';
import { isTransient, type Logger, steadyNow } from '@slipway/platform';
import { system } from '../actor/actor.ts';
import type { Database, Sql } from '../database/database.store.ts';
import type { LiveInstances } from '../instance/live-instances.ts';
import { findVersion } from '../model/model.store.ts';
import type { RouteStore } from '../route/route.store.ts';
import { type CandidateWorld, decide, type Policy, type World } from '@slipway/release';
import { latestEvidence } from './evidence.store.ts';
import type { RolloutStore } from './rollout.store.ts';
import { activate, advance, end, hold, pause, remainingCandidates, withdraw } from '@slipway/release';
import { followWithdrawal } from './withdrawal.ts';

const conductor = system('conductor');

/**
 * The conductor: looks at every rollout that is not settled, decides, and carries the decision out in one transaction
 * under the row's lock. Several registries may look at once: whoever has the row acts, the others pass it over; the
 * state is in the row, so a registry that dies between two steps leaves nothing half done.
 */
export class Conductor {
  private readonly parts: {
    database: Database;
    rollouts: RolloutStore;
    routes: RouteStore;
    instances: LiveInstances;
    log: Logger;
    policy: Policy;
    leaseMs: number;
  };
  private timer: NodeJS.Timeout | undefined;
  private busy = false;
  /** False while this registry does not know who is alive: it must not decide upon that. */
  instancesKnown: () => boolean = () => false;

  constructor(parts: Conductor['parts']) {
    this.parts = parts;
  }

  start(everyMs = 200): void {
    this.timer = setInterval(() => void this.tick(), everyMs);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    while (this.busy) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  private async tick(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (const { id } of await this.parts.database.query<{ id: string }>(
        'SELECT id FROM rollouts WHERE NOT settled ORDER BY id',
      ))
        await this.look(id);
    } catch (error) {
      this.parts.log.warn(
        { error: (error as Error).message, transient: isTransient(error) },
        'the conductor could not look at its rollouts; the next look tries again',
      );
    } finally {
      this.busy = false;
    }
  }

  /** Looks at one rollout, and again as long as something follows from the last decision. */
  async look(id: string, traceparent?: string): Promise<void> {
    for (let i = 0; i < 8; i++) {
      const changed = await this.parts.database.transaction((sql) => this.step(sql, id, traceparent));
      if (!changed) return;
      this.parts.routes.published();
    }
  }

  private async step(sql: Sql, id: string, traceparent: string | undefined): Promise<boolean> {
    const [row] = await sql.query<{ doc: Rollout }>(
      'SELECT doc FROM rollouts WHERE id = $1 AND NOT settled FOR UPDATE SKIP LOCKED',
      [id],
    );
    if (!row) return false;
    const rollout = row.doc;
    const now = steadyNow();
    if (!isUnderWay(rollout.status)) return this.followUp(sql, rollout, now);
    const decision = decide(
      rollout,
      await latestEvidence(sql, id),
      now,
      await this.world(sql, rollout),
      this.parts.policy,
    );
    if (decision.kind === 'none') return false;
    const save = (changed: Rollout, action: string) =>
      this.parts.rollouts.save(sql, changed, { actor: conductor, action, reason: changed.reason, now });
    switch (decision.kind) {
      case 'activate':
        await save(activate(rollout, now), 'activate');
        break;
      case 'hold':
        await save(hold(rollout, decision.sentence, now), 'hold');
        break;
      case 'advance':
        await save(
          advance(rollout, decision.sentence, decision.evidence?.event_id ?? null, now, decision.winner),
          'advance',
        );
        break;
      case 'withdraw':
        await save(withdraw(rollout, decision.arm, decision.sentence, decision.evidence.event_id, now), 'withdraw');
        break;
      case 'rollBack':
        await save(end(rollout, 'rolledBack', decision.sentence, decision.evidence?.event_id ?? null, now), 'rollBack');
        break;
      case 'pause':
        await save(pause(rollout, decision.sentence, decision.evidence?.event_id ?? null), 'pause');
        break;
    }
    this.parts.log.info(
      {
        rollout: id,
        step: rollout.step,
        decision: decision.kind,
        why: 'sentence' in decision ? decision.sentence : undefined,
        trace_id: traceIdOf(traceparent) || undefined,
      },
      'decided',
    );
    return true;
  }

  private async followUp(sql: Sql, rollout: Rollout, now: number): Promise<boolean> {
    if (!this.instancesKnown()) return false;
    const { instances, leaseMs } = this.parts;
    // Everyone heard of within the lease before the withdrawal began may have served the candidate then.
    const sinceMs = Math.max(0, now - (rollout.withdrawal?.since ?? now));
    const { withdrawal, settled } = followWithdrawal(
      rollout,
      instances.routers(),
      instances.routersWithin(leaseMs + sinceMs),
      leaseMs,
      now,
    );
    if (!settled) return false;
    await this.parts.rollouts.settle(sql, { ...rollout, withdrawal }, true, conductor, now);
    return true;
  }

  private async world(sql: Sql, rollout: Rollout): Promise<World> {
    const { instances } = this.parts;
    const control = await findVersion(sql, rollout.control.model, rollout.control.version);
    const [route] = await sql.query<{ revision: Revision }>(
      "SELECT doc->'revision' AS revision FROM routes WHERE endpoint = $1",
      [rollout.spec.endpoint],
    );
    const known = this.instancesKnown();
    const warm = (v: Version | undefined) =>
      v && known ? instances.addressesOf(v.model, v.version, v.digest).length : 0;
    const controlWarm = control?.bundle.infra.url === undefined ? warm(control) : 1;
    const candidates: Record<string, CandidateWorld> = {};
    for (const { name, model, version } of remainingCandidates(rollout)) {
      const candidate = await findVersion(sql, model, version);
      const failures = known && candidate ? instances.failures(model, version, candidate.digest) : [];
      candidates[name] = {
        capacity: {
          candidateWarm: candidate?.bundle.infra.url === undefined ? warm(candidate) : Number.POSITIVE_INFINITY,
          controlWarm,
          able: known ? instances.workers().length - failures.length : 0,
        },
        failure: candidate?.loadable.state === 'failed' ? candidate.loadable.reason : failures[0]?.error,
      };
    }
    return {
      candidates,
      routersFollow:
        known &&
        route !== undefined &&
        instances.routers().length > 0 &&
        instances
          .routers()
          .every((r) => compareRevisions(r.applied[rollout.spec.endpoint] ?? { epoch: 0, n: 0 }, route.revision) >= 0),
    };
  }
}
