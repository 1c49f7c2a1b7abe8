import { formatVersion, type Route, type ShadowPair, topics } from '@slipway/contracts';
import { counter, type Logger, type RecordProducer, steadyNow } from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import type { RowJournal } from '../journal/rows.journal.ts';
import { drawShadow } from './draw.ts';
import { type ShadowHead, shadowLine } from './shadow-line.ts';

const sampledTotal = counter('slipway_shadow_sampled_total', 'Requests sampled for the shadow', [
  'endpoint',
  'rollout',
]);
const shedTotal = counter(
  'slipway_router_shadow_shed_total',
  'Sampled requests that the router could not keep for the shadow',
  ['endpoint'],
);

export type Answered = {
  requestId: string;
  traceparent: string;
  latencyUs: number;
  computeUs: number;
  request: Buffer;
  response: Buffer;
  oversize: boolean;
};
export type Sampled = { head: ShadowHead; line: Buffer[] };

/**
 * Takes the sampled requests aside. They are appended to a journal of their own in the turn in which their answers
 * leave, and are sent to Kafka
 * from there afterwards: no caller waits for the shadow, and a killed router loses none of it.
 */
export class ShadowTap {
  private readonly lines: RowJournal;
  private readonly producer: RecordProducer;
  private readonly source: string;
  private readonly log: Logger;
  constructor(lines: RowJournal, producer: RecordProducer, source: string, log: Logger) {
    this.lines = lines;
    this.producer = producer;
    this.source = source;
    this.log = log;
  }

  /** @returns the request for the shadow, if it was drawn */
  sample(route: Route, a: Answered): Sampled | undefined {
    const { shadow, candidate, control } = route;
    if (!shadow || !candidate) return undefined;
    const draw = drawShadow(shadow, a.requestId);
    if (!draw.sampled) return undefined;
    sampledTotal.inc({ endpoint: route.endpoint, rollout: shadow.rollout_id });
    const head: ShadowHead = {
      event_id: uuidv7(),
      request_id: a.requestId,
      traceparent: a.traceparent,
      type: 'slipway.shadow-request.v1',
      source: this.source,
      time: steadyNow(),
      endpoint: route.endpoint,
      rollout_id: shadow.rollout_id,
      step: shadow.step,
      control_version: formatVersion(control),
      candidate_version: formatVersion(candidate),
      noise: draw.noise,
      deadline_ms: shadow.deadline_ms,
      oversize: a.oversize,
      control_latency_us: a.latencyUs,
      control_compute_us: a.computeUs,
    };
    return { head, line: shadowLine(head, a.request, a.response) };
  }

  /** Keeps the sampled requests of one turn. What the journal does not take is shed, and said to be. */
  journal(sampled: readonly Sampled[]): void {
    if (
      sampled.length === 0 ||
      this.lines.append(
        sampled.flatMap((s) => s.line),
        sampled.length,
      )
    )
      return;
    const pairs = sampled.map(({ head }) => {
      shedTotal.inc({ endpoint: head.endpoint });
      const {
        event_id,
        request_id,
        source,
        time,
        endpoint,
        rollout_id,
        step,
        control_version,
        candidate_version,
        control_latency_us,
        control_compute_us,
      } = head;
      const pair: Partial<ShadowPair> = {
        event_id,
        type: 'slipway.shadow-pair.v1',
        source,
        time,
        request_id,
        endpoint,
        rollout_id,
        step,
        control_version,
        candidate_version,
        control_latency_us,
        control_compute_us,
        result: 'shed',
        reason: 'router_journal',
      };
      return { key: request_id, value: JSON.stringify(pair), headers: { traceparent: head.traceparent } };
    });
    void this.producer
      .send(topics.shadowPairs.name, pairs)
      .catch((error: unknown) =>
        this.log.error(
          { error: (error as Error).message, requests: pairs.length },
          'sampled requests were shed, and Kafka was not there to be told',
        ),
      );
  }
}
