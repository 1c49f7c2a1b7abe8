import { randomBytes, randomUUID } from 'node:crypto';
import { alphaShare, type ArmVerdict, type Evidence, isUnderWay, type Rollout, type Verdict } from '@slipway/release';
import { childTraceparent, topics, traceIdOf } from '@slipway/contracts';
import { steadyNow } from '../process/clock.ts';
import type { RecordProducer } from '../kafka/producer.client.ts';
import type { Logger } from '../process/log.ts';
import { counter, histogram } from '../process/metrics.ts';
import { PacedLoop } from '../process/paced.loop.ts';

const evidenceTotal = counter('slipway_evidence_total', 'Evidence published, by verdict', ['verdict']);
const lookSeconds = histogram(
  'slipway_look_duration_seconds',
  'One look at one rollout',
  [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
);

/** From when on a look is late; and the longest time between two looks that is still taken for slowness. */
const LATE_MS = 5000;
const MOST_GAP_MS = 30_000;

export type Finding = {
  verdict: Verdict;
  reasons: string[];
  sentence: string;
  /** Of each candidate, where it judges them one by one. */
  arms?: ArmVerdict[];
  numbers: object;
};

export type AnalyserParts = {
  /** The analyser's name in evidence. */
  analyser: string;
  /** Judges one rollout; `undefined` when this analyser has no verdict on it. */
  look: (rollout: Rollout, now: number) => Promise<Finding | undefined>;
  /** Before a round of looks: what can be read for all of them at once. */
  prepare?: (rollouts: readonly Rollout[], now: number) => Promise<void>;
  forget?: (rolloutId: string) => void;
  producer: RecordProducer;
  log: Logger;
  source: string;
  lookMs: number;
  expiryMs: number;
};

/** In steps of 10 s: evidence whose validity changes is stored, and acted upon, each time. */
const validityOf = (ms: number): number => Math.ceil(ms / 10_000) * 10_000;

/**
 * Looks at every rollout with an active step about once a second, and immediately when a rollout has changed, and
 * publishes the verdicts as evidence.
 */
export class AnalyserLoop {
  private readonly parts: AnalyserParts;
  private readonly rollouts = new Map<string, Rollout>();
  /** The latest evidence of each rollout that this process has looked at. */
  readonly latest = new Map<string, Evidence>();
  private sequence = 0;
  private readonly loop: PacedLoop;

  constructor(parts: AnalyserParts) {
    this.parts = parts;
    this.loop = new PacedLoop(() => this.lookAtAll(), parts.lookMs);
  }

  apply(id: string, rollout: Rollout | undefined): void {
    if (rollout && isUnderWay(rollout.status)) this.rollouts.set(id, rollout);
    else {
      this.rollouts.delete(id);
      this.parts.forget?.(id);
    }
    this.loop.wake();
  }

  start(): void {
    this.loop.start();
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  private async lookAtAll(): Promise<void> {
    // Before its first step is active there is nothing to judge.
    const active = [...this.rollouts.values()].filter((r) => r.visits.some((v) => v.active_at !== null));
    // Where a step is young, harm is found soonest.
    const since = (r: Rollout) => r.visits.at(-1)?.active_at ?? 0;
    active.sort((a, b) => since(b) - since(a));
    if (active.length > 0 && this.parts.prepare)
      await this.parts
        .prepare(active, steadyNow())
        .catch((error: Error) => this.parts.log.warn({ error: error.message }, 'each look reads for itself'));
    for (const rollout of active) await this.look(rollout);
  }

  /**
   * Evidence is good for so long, milliseconds: at least as long as three looks are apart, since the silence of an
   * analyser that has much to do says nothing of a rollout. A look that is late is said.
   */
  private validFor(rollout: Rollout, time: number): number {
    const { expiryMs, log, lookMs } = this.parts;
    const last = this.latest.get(rollout.id)?.time;
    const gap = last === undefined ? 0 : time - last;
    if (gap > Math.max(LATE_MS, 5 * lookMs)) log.warn({ rollout: rollout.id, age_ms: gap }, 'the look was late');
    return Math.max(expiryMs, validityOf(3 * Math.min(gap, MOST_GAP_MS)));
  }

  private async look(rollout: Rollout): Promise<void> {
    const { analyser, producer, log, source } = this.parts;
    const traceparent = childTraceparent(undefined, randomBytes);
    const end = lookSeconds.startTimer();
    try {
      const finding = await this.parts.look(rollout, steadyNow());
      if (!finding) return;
      const time = steadyNow();
      const evidence: Evidence = {
        event_id: randomUUID(),
        type: 'slipway.evidence.v1',
        source,
        time,
        rollout_id: rollout.id,
        endpoint: rollout.spec.endpoint,
        revision: rollout.revision,
        step: rollout.step,
        analyser,
        sequence: this.sequence++,
        expires_at: time + this.validFor(rollout, time),
        verdict: finding.verdict,
        reasons: finding.reasons,
        sentence: finding.sentence,
        arms: finding.arms ?? [],
        alpha: alphaShare(rollout, analyser),
        numbers: finding.numbers as Record<string, unknown>,
      };
      await producer.publish(topics.evidence, [{ value: evidence, traceparent }]);
      if (this.latest.get(rollout.id)?.verdict !== finding.verdict)
        log.info(
          { rollout: rollout.id, verdict: finding.verdict, reasons: finding.reasons, trace_id: traceIdOf(traceparent) },
          finding.sentence,
        );
      this.latest.set(rollout.id, evidence);
      evidenceTotal.inc({ verdict: finding.verdict });
    } catch (error) {
      log.warn(
        { rollout: rollout.id, error: (error as Error).message, trace_id: traceIdOf(traceparent) },
        'a look failed; it is repeated at the next interval',
      );
    } finally {
      end();
    }
  }
}
