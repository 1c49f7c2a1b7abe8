import { randomBytes } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import {
  childTraceparent,
  MAX_RECORD_BYTES,
  type Route,
  type ShadowPair,
  type ShadowRequest,
  topics,
} from '@slipway/contracts';
import {
  Consume,
  type ConsumedRecord,
  counter,
  histogram,
  ok,
  type RecordProducer,
  type RecordResult,
  steadyNow,
  TransientError,
} from '@slipway/platform';
import { formatVersion } from '@slipway/core';
import { protocolNamed } from '@slipway/protocol';
import { targetsOf } from '@slipway/routing';
import { Lane } from '../model/lane.ts';
import { asAnswer, pairRecord } from './answers.ts';
import type { LegClient } from './leg.client.ts';

const resultsTotal = counter('slipway_shadow_results_total', 'Sampled requests by result', [
  'endpoint',
  'result',
  'reason',
]);
const computeSeconds = counter('slipway_shadow_compute_seconds_total', 'Compute time of shadow answers', ['version']);
const lagSeconds = histogram(
  'slipway_shadow_lag_seconds',
  'From the arrival of a sampled request to its start',
  [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
  ['endpoint'],
);

export type LaneParts = {
  legs: LegClient;
  /** By endpoint. */
  routes: ReadonlyMap<string, Route>;
  producer: RecordProducer;
  source: string;
  concurrency: number;
  /**
   * The current time by Kafka's clock, in milliseconds since the epoch, for comparison with arrivals. `undefined` while
   * unknown.
   */
  now: () => number | undefined;
};

/**
 * The shadow lane. Sampled requests are run on the candidate (and, when drawn, on control again) at lower priority than
 * live calls, few at a time, until their deadline. Each ends in exactly one shadow pair. When live rows wait, shadow
 * requests are shed first.
 */
@Controller()
export class ShadowLane {
  static readonly PARTS = Symbol('the parts of the shadow lane');
  private readonly parts: LaneParts;
  private readonly lane: Lane;

  constructor(@Inject(ShadowLane.PARTS) parts: LaneParts) {
    this.parts = parts;
    this.lane = new Lane(parts.concurrency);
  }

  @Consume(topics.shadowRequests)
  async take(records: ConsumedRecord<ShadowRequest>[]): Promise<RecordResult[]> {
    // With this machine's clock an hour ahead, all waiting requests would be expired after a restart.
    if (this.parts.now() === undefined) throw new TransientError("Kafka's clock is not known yet");
    const now = () => this.parts.now() as number;
    const ended = await Promise.all(records.map((r) => this.lane.run(() => this.run(r, now))));
    const bounded = ended.map((pair) => pairRecord(pair, MAX_RECORD_BYTES));
    await this.parts.producer.publishEncoded(
      topics.shadowPairs,
      bounded.map(({ pair, value }, i) => ({
        key: pair.request_id,
        value,
        traceparent: traceOf(records[i] as ConsumedRecord<ShadowRequest>),
      })),
    );
    for (const { pair: p } of bounded) {
      resultsTotal.inc({ endpoint: p.endpoint, result: p.result, reason: p.reason });
      computeSeconds.inc({ version: p.candidate_version }, p.candidate_compute_us / 1e6);
      if (p.noise_compute_us > 0) computeSeconds.inc({ version: p.control_version }, p.noise_compute_us / 1e6);
    }
    return records.map(() => ok);
  }

  private async run(record: ConsumedRecord<ShadowRequest>, now: () => number): Promise<ShadowPair> {
    const { parsed: r } = record;
    const { legs, routes, source } = this.parts;
    const deadline = Number(record.timestamp) + r.deadline_ms;
    lagSeconds.observe({ endpoint: r.endpoint }, Math.max(0, now() - Number(record.timestamp)) / 1000);
    const pair: ShadowPair = {
      event_id: r.event_id,
      type: 'slipway.shadow-pair.v1',
      source,
      time: steadyNow(),
      request_id: r.request_id,
      endpoint: r.endpoint,
      protocol: r.protocol,
      rollout_id: r.rollout_id,
      step: r.step,
      unit: r.unit,
      control_version: r.control_version,
      candidate_version: r.candidate_version,
      result: 'paired',
      reason: '',
      control: asAnswer(r.response),
      candidate: null,
      noise: null,
      control_latency_us: r.control_latency_us,
      control_compute_us: r.control_compute_us,
      candidate_latency_us: 0,
      candidate_compute_us: 0,
      noise_compute_us: 0,
      price: 0,
    };
    const ended = (result: ShadowPair['result'], reason: string): ShadowPair => ({ ...pair, result, reason });
    if (r.oversize) return ended('failed', 'oversize');
    if (now() >= deadline) return ended('expired', 'deadline');
    const protocol = protocolNamed(r.protocol);
    if (!protocol) return ended('failed', 'unknown_protocol');
    const route = routes.get(r.endpoint);
    const body = Buffer.from(typeof r.request === 'string' ? r.request : JSON.stringify(r.request));
    const traceparent = childTraceparent(traceOf(record), randomBytes);
    const request = { endpoint: r.endpoint, protocol, body, requestId: r.request_id, traceparent };
    // A live caller would wait for the endpoint's timeout: a candidate that had as long and did not answer is at fault;
    // one that had less, because the request was started late, is not.
    const left = deadline - now();
    const fair = Math.min(route?.timeout_ms ?? r.deadline_ms, r.deadline_ms / 2);
    const candidate = await legs.ask({ ...request, version: r.candidate_version }, Math.min(left, fair));
    pair.candidate_latency_us = candidate.latencyUs;
    if (!candidate.ok) {
      if (candidate.reason === 'busy') return ended('shed', 'busy');
      if (candidate.reason === 'timeout')
        return left >= fair ? ended('failed', 'candidate_timeout') : ended('expired', 'deadline');
      return ended('failed', candidate.reason === 'error' ? 'candidate_error' : 'no_target');
    }
    pair.candidate = asAnswer(candidate.answer);
    pair.candidate_compute_us = candidate.computeUs;
    const priceOf = (version: string) =>
      (route && targetsOf(route).find((t) => formatVersion(t) === version)?.price) ?? 0;
    pair.price = priceOf(r.candidate_version);
    if (!r.noise) return pair;
    // A pair without a noise answer is as good as any other.
    const noise = await legs.ask({ ...request, version: r.control_version }, Math.max(1, deadline - now()));
    if (!noise.ok) return pair;
    return {
      ...pair,
      noise: asAnswer(noise.answer),
      noise_compute_us: noise.computeUs,
      price: pair.price + priceOf(r.control_version),
    };
  }
}

function traceOf(record: ConsumedRecord<ShadowRequest>): string {
  return record.headers['traceparent'] ?? record.parsed.traceparent;
}
