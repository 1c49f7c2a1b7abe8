import { formatVersion } from '@slipway/core';
import { type Branch, topics } from '@slipway/contracts';
import {
  backoffMs,
  counter,
  isRefusedRecord,
  type Logger,
  type Message,
  type RecordProducer,
  steadyNow,
} from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import { MOST_LOGGED_BYTES } from '../journal/row-bounds.ts';
import type { RowJournal } from '../journal/rows.journal.ts';
import { drawShadow } from '@slipway/routing';
import { shadowBody, type ShadowHead, shadowLine, shedPair } from './shadow-line.ts';

const sampledTotal = counter('slipway_shadow_sampled_total', 'Requests sampled for the shadow', [
  'endpoint',
  'rollout',
]);
const shedTotal = counter(
  'slipway_router_shadow_shed_total',
  'Sampled requests that the router could not keep for the shadow',
  ['endpoint'],
);

const untoldTotal = counter(
  'slipway_router_shadow_untold_total',
  'Shed requests that could not be reported to Kafka: they stay pending',
  [],
);
/** Largest number of shed requests that wait to be reported. */
const MOST_UNSENT = 100_000;

export type Answered = {
  /** The name of the protocol that the request speaks. */
  protocol: string;
  requestId: string;
  unit: string;
  traceparent: string;
  latencyUs: number;
  computeUs: number;
  request: Buffer;
  response: Buffer;
  oversize: boolean;
};
export type Sampled = { head: ShadowHead; line: Buffer[] };

/**
 * Collects the sampled requests. They are appended to a journal of their own in the turn in which their answers leave,
 * and sent to Kafka from there afterwards: no caller waits for the shadow, and a killed router loses none of them.
 */
export class ShadowTap {
  private readonly lines: RowJournal;
  private readonly producer: RecordProducer;
  private readonly source: string;
  private readonly log: Logger;
  private readonly unsent: Message<typeof topics.shadowPairs>[] = [];
  private telling = false;
  constructor(lines: RowJournal, producer: RecordProducer, source: string, log: Logger) {
    this.lines = lines;
    this.producer = producer;
    this.source = source;
    this.log = log;
  }

  /** @returns the request for the shadow, if it was drawn */
  sample(endpoint: string, { target, rollout }: Branch, a: Answered): Sampled | undefined {
    const shadow = rollout?.shadow;
    const shadowed = rollout?.arms.find((arm) => arm.name === shadow?.arm);
    if (!rollout || !shadow || !shadowed) return undefined;
    const draw = drawShadow(shadow, a.requestId);
    if (!draw.sampled) return undefined;
    sampledTotal.inc({ endpoint, rollout: rollout.id });
    const request = shadowBody(a.request);
    const head: ShadowHead = {
      event_id: uuidv7(),
      request_id: a.requestId,
      traceparent: a.traceparent,
      type: 'slipway.shadow-request.v1',
      source: this.source,
      time: steadyNow(),
      endpoint,
      protocol: a.protocol,
      rollout_id: rollout.id,
      step: rollout.step,
      unit: a.unit,
      control_version: formatVersion(target),
      candidate_version: formatVersion(shadowed.target),
      noise: draw.noise,
      deadline_ms: shadow.deadline_ms,
      oversize: a.oversize || request.length > MOST_LOGGED_BYTES,
      control_latency_us: a.latencyUs,
      control_compute_us: a.computeUs,
    };
    return { head, line: shadowLine(head, request, a.response) };
  }

  /** Stores the sampled requests of one turn. Requests that the journal does not accept are shed, and reported. */
  journal(sampled: readonly Sampled[]): void {
    if (
      sampled.length === 0 ||
      this.lines.append(
        sampled.flatMap((s) => s.line),
        sampled.length,
      )
    )
      return;
    for (const { head } of sampled) {
      shedTotal.inc({ endpoint: head.endpoint });
      this.unsent.push(shedPair(head));
    }
    const lost = this.unsent.length - MOST_UNSENT;
    if (lost > 0) {
      this.unsent.splice(0, lost);
      untoldTotal.inc(lost);
      this.log.error(
        { requests: lost },
        'shed requests cannot be reported, since too many reports wait: they stay pending',
      );
    }
    void this.tell();
  }

  /**
   * Reports shed requests until Kafka has accepted the reports: a sampled request without a report would stay pending
   * for ever.
   */
  private async tell(): Promise<void> {
    if (this.telling) return;
    this.telling = true;
    try {
      for (let attempt = 0; this.unsent.length > 0; ) {
        const batch = this.unsent.slice(0, 500);
        try {
          await this.producer.publish(topics.shadowPairs, batch);
          this.unsent.splice(0, batch.length);
          attempt = 0;
        } catch (error) {
          if (isRefusedRecord(error)) throw error;
          const ms = backoffMs(attempt++, Math.random());
          await new Promise((resolve) => setTimeout(resolve, ms).unref());
        }
      }
    } catch (error) {
      untoldTotal.inc(this.unsent.length);
      this.log.error({ err: error, requests: this.unsent.length }, 'shed requests could not be reported');
      this.unsent.length = 0;
    } finally {
      this.telling = false;
    }
  }
}
