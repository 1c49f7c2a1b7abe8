import { Controller } from '@nestjs/common';
import { type Evidence } from '@slipway/release';
import { topics } from '@slipway/contracts';
import { Consume, type ConsumedRecord, ok, RecordProducer, type RecordResult, steadyNow } from '@slipway/platform';
import { Database } from '../database/database.store.ts';
import { Conductor } from './conductor.store.ts';
import { storeEvidence } from './evidence.store.ts';

@Controller()
export class EvidenceConsumer {
  private readonly database: Database;
  private readonly conductor: Conductor;
  private readonly kafka: RecordProducer;
  constructor(database: Database, conductor: Conductor, kafka: RecordProducer) {
    this.database = database;
    this.conductor = conductor;
    this.kafka = kafka;
  }

  @Consume(topics.evidence)
  async take(records: ConsumedRecord<Evidence>[]): Promise<RecordResult[]> {
    const results: RecordResult[] = [];
    // Evidence ages from its arrival at Kafka, by Kafka's clock: what waited while no registry lived is not fresh.
    const brokerNow = this.kafka.brokerNow();
    for (const { parsed, timestamp } of records) {
      const age = brokerNow === undefined ? 0 : Math.max(0, brokerNow - Number(timestamp));
      const known = await this.database.transaction((sql) => storeEvidence(sql, parsed, steadyNow() - age));
      results.push(known ? ok : { kind: 'deadLetter', reason: `rollout_id: there is no rollout ${parsed.rollout_id}` });
    }
    // A verdict is acted upon at once; the poll is only the backstop.
    for (const [id, traceparent] of new Map(records.map((r) => [r.parsed.rollout_id, r.headers['traceparent']])))
      await this.conductor.look(id, traceparent);
    return results;
  }
}
