import { createHash } from 'node:crypto';
import { topics } from '@slipway/contracts';
import { counter } from '../process/metrics.ts';
import type { RecordProducer } from './producer.client.ts';
import type { RawRecord } from './record.ts';

const deadLettersTotal = counter('slipway_dead_letters_total', 'Records that a consumer could not use, by topic', [
  'topic',
]);

/**
 * Publishes a record that could not be used, with the reason. The id is derived from topic, partition and offset, so
 * that a repeat is the same dead letter.
 */
export class DeadLetters {
  private readonly producer: RecordProducer;
  private readonly consumer: string;
  constructor(producer: RecordProducer, consumer: string) {
    this.producer = producer;
    this.consumer = consumer;
  }

  async send(letters: readonly { record: RawRecord; reason: string }[], now: number): Promise<void> {
    if (letters.length === 0) return;
    await this.producer.publish(
      topics.deadLetters,
      letters.map(({ record, reason }) => ({
        value: {
          event_id: createHash('sha256')
            .update(`${this.consumer}\0${record.topic}\0${record.partition}\0${record.offset}`)
            .digest('hex')
            .slice(0, 32),
          time: now,
          consumer: this.consumer,
          topic: record.topic,
          partition: record.partition,
          offset: record.offset,
          reason: reason.slice(0, 2000),
          raw: (record.value ?? Buffer.alloc(0)).subarray(0, 500_000).toString('base64'),
        },
      })),
    );
    for (const { record } of letters) deadLettersTotal.inc({ topic: record.topic });
  }
}
