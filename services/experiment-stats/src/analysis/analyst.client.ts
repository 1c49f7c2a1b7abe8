import { type Evidence, isUnderWay, type Rollout, topics } from '@slipway/contracts';
import { counter, histogram, type Logger, type RecordProducer } from '@slipway/platform';
import { randomUUID } from 'node:crypto';
import type { Analysis } from './analyse.store.ts';

export const ANALYSER = 'experiment-stats';
const evidenceTotal = counter('slipway_evidence_total', 'Evidence published, by verdict', ['verdict']);
const lookSeconds = histogram('slipway_look_duration_seconds', 'One look at one rollout', [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]);

/** Looks at every rollout with traffic about every second, and at once when a rollout has changed; publishes what it finds as evidence. */
export class Analyst {
  private readonly parts: { analysis: Analysis; producer: RecordProducer; log: Logger; source: string; lookMs: number; expiryMs: number };
  private readonly rollouts = new Map<string, Rollout>();
  readonly latest = new Map<string, Evidence>();
  private sequence = 0;
  private closing = false;
  private loop: Promise<void> | undefined;
  private wake: (() => void) | undefined;

  constructor(parts: Analyst['parts']) {
    this.parts = parts;
  }

  apply(id: string, rollout: Rollout | undefined): void {
    if (rollout && isUnderWay(rollout.status)) this.rollouts.set(id, rollout);
    else {
      this.rollouts.delete(id);
      this.parts.analysis.forget(id);
    }
    this.wake?.();
  }

  start(): void {
    this.loop = this.run();
  }

  async close(): Promise<void> {
    this.closing = true;
    this.wake?.();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.closing) {
      const began = performance.now();
      for (const rollout of [...this.rollouts.values()]) {
        // Before its first step is active there is nothing to judge.
        if (!rollout.visits.some((v) => v.active_at !== null)) continue;
        await this.look(rollout);
      }
      const took = performance.now() - began;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        // A store that answers slowly is not asked more often than it can bear.
        setTimeout(resolve, Math.max(this.parts.lookMs - took, took));
      });
      this.wake = undefined;
    }
  }

  private async look(rollout: Rollout): Promise<void> {
    const { analysis, producer, log, source, expiryMs } = this.parts;
    const end = lookSeconds.startTimer();
    try {
      const { verdict, reasons, sentence, numbers } = await analysis.look(rollout, Date.now());
      const time = Date.now();
      const evidence: Evidence = {
        event_id: randomUUID(), type: 'slipway.evidence.v1', source, time, rollout_id: rollout.id, endpoint: rollout.spec.endpoint, revision: rollout.revision, step: rollout.step, analyser: ANALYSER,
        sequence: this.sequence++, expires_at: time + expiryMs, verdict, reasons, sentence, alpha: rollout.alpha, numbers: numbers as unknown as Record<string, unknown>,
      };
      await producer.send(topics.evidence.name, [{ key: rollout.id, value: JSON.stringify(evidence) }]);
      this.latest.set(rollout.id, evidence);
      evidenceTotal.inc({ verdict });
    } catch (error) {
      log.warn({ rollout: rollout.id, error: (error as Error).message }, 'no evidence now; the next look tries again');
    } finally {
      end();
    }
  }
}
