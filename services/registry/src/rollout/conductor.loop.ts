import { counter, gauge, isTransient, type Logger, steadyNow } from '@slipway/platform';
import type { LiveInstances } from '../instance/live-instances.ts';
import type { Conductor } from './conductor.store.ts';
import type { EvidenceStore } from './evidence.store.ts';
import { type Outlook, Schedule } from './schedule.ts';

/** Interval for checking in memory whether a look is due. */
const TICK_MS = 200;
/** Interval for updating in Postgres the freshness of evidence that repeats itself. */
const REFRESH_MS = 1000;
/** Interval at which all rollouts are looked at, for changes by another registry and missed notifications. */
const SWEEP_MS = 10_000;
/** Pause when another registry holds the row of a rollout, which is brief. */
const ELSEWHERE_MS = 200;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A process that was frozen for so long has not received evidence either. */
const FROZEN_MS = 5000;

const failuresTotal = counter(
  'slipway_conductor_failures_total',
  'Looks at one rollout that failed, by kind of fault',
  ['fault'],
);
const failingGauge = gauge('slipway_conductor_failing', 'Rollouts at which the last look failed');

/**
 * Looks at a rollout when something has happened that may change the decision: new evidence, a command, a change of the
 * live instances, or the time that its last look named. While nothing happens there are no statements, except for a
 * sweep over all rollouts every ten seconds. A rollout that cannot be looked at gives the reason, and delays no other.
 */
export class ConductorLoop {
  private readonly parts: {
    conductor: Conductor;
    evidence: EvidenceStore;
    instances: LiveInstances;
    known: () => boolean;
    log: Logger;
  };
  private readonly schedule = new Schedule();
  /** Number of consecutive failed looks, by rollout. */
  private readonly failing = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private busy = false;
  private ticked = 0;
  private sweepAt = 0;
  private refreshAt = 0;
  private world = '';

  constructor(parts: ConductorLoop['parts']) {
    this.parts = parts;
  }

  start(): void {
    this.ticked = steadyNow();
    this.parts.conductor.listeningSince = this.ticked;
    this.timer = setInterval(() => void this.tick(), TICK_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    while (this.busy) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** To be called when a command is about to change a rollout, and when it has. */
  wake(id: string): void {
    this.schedule.wake(id, steadyNow());
  }

  /** Looks at a rollout at once. A failed look is retried later. */
  async look(id: string, traceparent?: string): Promise<void> {
    const began = steadyNow();
    // A pass that read the rollout before this look must not have the last word.
    this.schedule.wake(id, began);
    try {
      const outlook = await this.parts.conductor.look(id, traceparent);
      this.put(id, outlook ?? { again: steadyNow() + ELSEWHERE_MS, onWorld: false }, began);
    } catch (error) {
      await this.failed(id, error);
    }
  }

  private async tick(): Promise<void> {
    const now = steadyNow();
    if (now - this.ticked > FROZEN_MS) this.parts.conductor.listeningSince = now;
    this.ticked = now;
    if (this.busy) return;
    this.busy = true;
    try {
      await this.pass(now);
    } catch (error) {
      this.parts.conductor.listeningSince = steadyNow();
      this.parts.log.warn(
        { error: (error as Error).message, transient: isTransient(error) },
        'the conductor could not look at its rollouts; the next look tries again',
      );
    } finally {
      this.busy = false;
    }
  }

  private async pass(now: number): Promise<void> {
    const { conductor, evidence } = this.parts;
    if (now >= this.refreshAt) {
      await evidence.refresh(now);
      this.refreshAt = now + REFRESH_MS;
    }
    const sweep = now >= this.sweepAt;
    const world = `${this.parts.instances.changes()} ${this.parts.known()}`;
    const due = sweep ? this.schedule.all() : this.schedule.due(now, world !== this.world);
    if (!sweep && due.length === 0) {
      this.world = world;
      return;
    }
    const began = steadyNow();
    const found = await conductor.survey(sweep ? null : due);
    this.world = world;
    if (sweep) this.sweepAt = now + SWEEP_MS;
    const left = new Set(found.map((f) => f.id));
    for (const id of due) if (!left.has(id)) this.gone(id, began);
    for (const { id, outlook } of found) {
      if (outlook === 'something') await this.look(id);
      else if ('error' in outlook) await this.failed(id, outlook.error);
      else this.put(id, outlook, began);
    }
  }

  private put(id: string, outlook: Outlook, began: number): void {
    this.schedule.put(id, outlook, began);
    if (this.failing.delete(id)) failingGauge.set(this.failing.size);
  }

  private gone(id: string, began: number): void {
    this.schedule.gone(id, began);
    if (this.failing.delete(id)) failingGauge.set(this.failing.size);
  }

  private async failed(id: string, error: unknown): Promise<void> {
    const { conductor, log } = this.parts;
    const transient = isTransient(error);
    const times = (this.failing.get(id) ?? 0) + 1;
    this.failing.set(id, times);
    failingGauge.set(this.failing.size);
    failuresTotal.inc({ fault: transient ? 'transient' : 'deterministic' });
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(times - 1, 10));
    this.schedule.put(id, { again: steadyNow() + pause, onWorld: false }, steadyNow());
    const { message } = error as Error;
    log.warn({ rollout: id, error: message, transient, times }, 'a look at a rollout failed; it is retried');
    if (transient) return;
    await conductor
      .note(id, message)
      .catch((err: unknown) =>
        log.warn({ rollout: id, err }, 'the reason of the failed look could not be stored with the rollout'),
      );
  }
}
