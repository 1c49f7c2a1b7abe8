import { CompressionTypes, type Kafka, type Producer } from 'kafkajs';

export type OutgoingRecord = { key?: string | null; value: string | Buffer | null; headers?: Record<string, string> };

/**
 * Sends records and waits for every in-sync replica. Connects when first needed and again after a fault; a failed send throws, and the
 * caller still has the records.
 */
export class RecordProducer {
  private readonly producer: Producer;
  private connecting: Promise<void> | undefined;
  private closed = false;
  /** Time (ms) of the last acknowledged send; 0 before the first. */
  lastAckMs = 0;

  /** @param idempotent for state topics: a retried record can then not land after a newer one */
  constructor(kafka: Kafka, idempotent = false) {
    this.producer = kafka.producer({ idempotent, maxInFlightRequests: idempotent ? 1 : 5, allowAutoTopicCreation: false, retry: idempotent ? { retries: 8 } : { retries: 3 } });
    this.producer.on(this.producer.events.DISCONNECT, () => {
      this.connecting = undefined;
    });
  }

  async send(topic: string, messages: OutgoingRecord[], partition?: number): Promise<void> {
    if (this.closed) throw new Error('the producer is closed');
    this.connecting ??= this.producer.connect();
    try {
      await this.connecting;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
    await this.producer.send({
      topic,
      acks: -1,
      timeout: 5000,
      compression: CompressionTypes.None,
      messages: messages.map((m) => ({ key: m.key ?? null, value: m.value, ...(m.headers ? { headers: m.headers } : {}), ...(partition === undefined ? {} : { partition }) })),
    });
    this.lastAckMs = Date.now();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.producer.disconnect().catch(() => undefined);
  }
}
