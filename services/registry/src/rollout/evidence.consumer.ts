import { Controller } from '@nestjs/common';
import { type Evidence } from '@slipway/release';
import { topics } from '@slipway/contracts';
import { Consume, type ConsumedRecord, ok, RecordProducer, type RecordResult, steadyNow } from '@slipway/platform';
import { ConductorLoop } from './conductor.loop.ts';
import { EvidenceStore } from './evidence.store.ts';

@Controller()
export class EvidenceConsumer {
  private readonly evidence: EvidenceStore;
  private readonly conductor: ConductorLoop;
  private readonly kafka: RecordProducer;
  constructor(evidence: EvidenceStore, conductor: ConductorLoop, kafka: RecordProducer) {
    this.evidence = evidence;
    this.conductor = conductor;
    this.kafka = kafka;
  }

  @Consume(topics.evidence)
  async take(records: ConsumedRecord<Evidence>[]): Promise<RecordResult[]> {
    // Evidence ages from its arrival at Kafka, by Kafka's clock: what waited while no registry lived is not fresh.
    const brokerNow = this.kafka.brokerNow();
    const now = steadyNow();
    const taken = await this.evidence.take(
      records.map(({ parsed, timestamp }) => ({
        evidence: parsed,
        receivedAt: now - (brokerNow === undefined ? 0 : Math.max(0, brokerNow - Number(timestamp))),
      })),
    );
    // New evidence is acted upon at once, before its offset is committed.
    const news = new Map(
      records.flatMap((r, i) => (taken[i] === 'news' ? [[r.parsed.rollout_id, r.headers['traceparent']]] : [])),
    );
    for (const [id, traceparent] of news) await this.conductor.look(id as string, traceparent);
    return records.map(({ parsed }, i) =>
      taken[i] === 'unknown'
        ? { kind: 'deadLetter', reason: `rollout_id: there is no rollout ${parsed.rollout_id}` }
        : ok,
    );
  }
}
