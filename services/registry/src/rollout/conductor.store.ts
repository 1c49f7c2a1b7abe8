import {
  activate,
  advance,
  type Decision,
  decide,
  end,
  hold,
  isUnderWay,
  pause,
  type Policy,
  type Rollout,
  withdraw,
} from '@slipway/release';
import { traceIdOf } from '@slipway/contracts';
import { type Logger, steadyNow } from '@slipway/platform';
import { system } from '../actor/actor.ts';
import type { Database, Sql } from '../database/database.store.ts';
import type { LiveInstances } from '../instance/live-instances.ts';
import type { RouteStore } from '../route/route.store.ts';
import type { RolloutStore } from './rollout.store.ts';
import { type Scene, scenes } from './scene.store.ts';
import type { Outlook } from './schedule.ts';
import { followWithdrawal } from './withdrawal.ts';
import { worldOf } from './world.ts';

const conductor = system('conductor');

/** Result of a look without a lock: nothing to do until a time, something to do, or why the look failed. */
export type Found = { id: string; outlook: Outlook | 'something' | { error: unknown } };

/**
 * Decides on rollouts, and carries a decision out in one transaction under the row's lock. Several registries may look
 * at the same time: the one that gets the lock acts, the others skip the rollout. The state is in the row, so a
 * registry that ends between two steps leaves nothing half done.
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
    /** False while this registry does not know who is alive: it must not decide upon that. */
    known: () => boolean;
  };
  /** Since when this registry has been receiving evidence: earlier silence does not count. */
  listeningSince = 0;

  constructor(parts: Conductor['parts']) {
    this.parts = parts;
  }

  /**
   * Looks at rollouts without locking or changing them, at all of them in a few statements.
   *
   * @param ids only these; all when null @returns those that are not settled
   */
  async survey(ids: readonly string[] | null): Promise<Found[]> {
    const now = steadyNow();
    return (await scenes(this.parts.database, ids)).map((scene) => {
      const { id } = scene.rollout;
      try {
        return { id, outlook: this.outlook(scene, now) };
      } catch (error) {
        return { id, outlook: { error } };
      }
    });
  }

  private outlook(scene: Scene, now: number): Outlook | 'something' {
    const { rollout } = scene;
    if (!isUnderWay(rollout.status)) return this.withdrawal(rollout, now).next;
    const decision = this.decide(scene, now);
    return decision.kind === 'none' && rollout.fault === undefined ? decision : 'something';
  }

  /**
   * Looks at one rollout, and again as long as something follows from the last decision.
   *
   * @returns when to look again; undefined when another registry has it, or nothing is left to do
   */
  async look(id: string, traceparent?: string): Promise<Outlook | undefined> {
    for (let i = 0; i < 8; i++) {
      const outlook = await this.parts.database.transaction((sql) => this.step(sql, id, traceparent));
      if (outlook !== 'acted') return outlook;
      this.parts.routes.published();
    }
    return { again: steadyNow(), onWorld: false };
  }

  /** Stores in the rollout's state why it cannot be looked at. */
  async note(id: string, fault: string): Promise<void> {
    await this.parts.database.transaction(async (sql) => {
      const rollout = await locked(sql, id);
      if (!rollout || rollout.fault === fault) return;
      await this.parts.rollouts.note(sql, { ...rollout, fault }, conductor, steadyNow());
    });
    this.parts.routes.published();
  }

  private async step(sql: Sql, id: string, traceparent: string | undefined): Promise<Outlook | 'acted' | undefined> {
    const [scene] = (await locked(sql, id)) ? await scenes(sql, [id]) : [];
    if (!scene) return undefined;
    const now = steadyNow();
    if (!isUnderWay(scene.rollout.status)) return this.followUp(sql, scene.rollout, now);
    const decision = this.decide(scene, now);
    const { fault, ...rollout } = scene.rollout;
    if (decision.kind === 'none') {
      if (fault === undefined) return decision;
      await this.parts.rollouts.note(sql, rollout, conductor, now);
      return 'acted';
    }
    const changed = carriedOut(rollout, decision, now);
    await this.parts.rollouts.save(sql, changed, {
      actor: conductor,
      action: decision.kind,
      reason: changed.reason,
      now,
    });
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
    return 'acted';
  }

  private decide(scene: Scene, now: number): Decision {
    const { instances, known, policy } = this.parts;
    const world = worldOf(scene, instances, known());
    return decide(scene.rollout, scene.evidence, now, world, { ...policy, listeningSince: this.listeningSince });
  }

  private async followUp(sql: Sql, rollout: Rollout, now: number): Promise<Outlook | 'acted'> {
    const { withdrawal, next } = this.withdrawal(rollout, now);
    if (next !== 'something') return next;
    await this.parts.rollouts.settle(sql, { ...rollout, withdrawal }, true, conductor, now);
    return 'acted';
  }

  private withdrawal(
    rollout: Rollout,
    now: number,
  ): { withdrawal: Rollout['withdrawal']; next: Outlook | 'something' } {
    const { instances, leaseMs, known } = this.parts;
    const since = rollout.withdrawal?.since ?? now;
    const wait: Outlook = { again: Math.max(now, since + leaseMs) + 1, onWorld: true };
    if (!known()) return { withdrawal: rollout.withdrawal, next: { ...wait, again: Number.POSITIVE_INFINITY } };
    // Everyone heard of within the lease before the withdrawal began may have served the candidate then.
    const { withdrawal, settled } = followWithdrawal(
      rollout,
      instances.routers(),
      instances.routersWithin(leaseMs + Math.max(0, now - since)),
      leaseMs,
      now,
    );
    return { withdrawal, next: settled ? 'something' : wait };
  }
}

/** The rollout, if its row is not locked by others and it is not settled. */
async function locked(sql: Sql, id: string): Promise<Rollout | undefined> {
  const [row] = await sql.query<{ doc: Rollout }>(
    'SELECT doc FROM rollouts WHERE id = $1 AND NOT settled FOR UPDATE SKIP LOCKED',
    [id],
  );
  return row?.doc;
}

function carriedOut(rollout: Rollout, decision: Exclude<Decision, { kind: 'none' }>, now: number): Rollout {
  switch (decision.kind) {
    case 'activate':
      return activate(rollout, now);
    case 'hold':
      return hold(rollout, decision.sentence, now);
    case 'advance':
      return advance(rollout, decision.sentence, decision.evidence?.event_id ?? null, now, decision.winner);
    case 'withdraw':
      return withdraw(rollout, decision.arm, decision.sentence, decision.evidence.event_id, now);
    case 'rollBack':
      return end(rollout, 'rolledBack', decision.sentence, decision.evidence?.event_id ?? null, now);
    case 'pause':
      return pause(rollout, decision.sentence, decision.evidence?.event_id ?? null);
  }
}
