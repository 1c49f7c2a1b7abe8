import type { Topic } from '@slipway/contracts';
import { CompressionTypes, type Producer } from 'kafkajs';
import { steadyNow } from '../process/clock.ts';
import { TransientError } from '../process/faults.ts';
import type { KafkaClient } from './kafka.client.ts';
import { encodeMessages, type EncodedRecord, keyedRecord, type Message, type OutgoingRecord } from './message.ts';
import { within } from './within.client.ts';

const CLOSE_PATIENCE_MS = 2000;
const REFUSALS = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']);

/** Whether a broker refused the record itself, so that sending it again would fail again. */
export function isRefusedRecord(error: unknown): boolean {
  for (let e = error, depth = 0; e && depth < 8; e = (e as { cause?: unknown }).cause, depth++)
    if (REFUSALS.has(String((e as { type?: unknown }).type))) return true;
  return false;
}

/**
 * kafkajs marks few of its faults as retriable ("Broker not connected" is not). Everything except a refusal of the
 * record is treated as transient.
 */
function sendFault(error: unknown): unknown {
  if (isRefusedRecord(error) || error instanceof TransientError) return error;
  return new TransientError(`Kafka did not take the records: ${(error as Error).message}`, { cause: error });
}

/** kafkajs sends its input as one batch for each partition, and brokers refuse batches over 1 MB. */
const BATCH_BYTES = 800_000;
function batches(messages: OutgoingRecord[]): OutgoingRecord[][] {
  const groups: OutgoingRecord[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const m of messages) {
    const size = Buffer.byteLength(m.value ?? '') + 200;
    if (bytes + size > BATCH_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(m);
    bytes += size;
  }
  return groups;
}

/**
 * Sends records and waits for every in-sync replica. Connects when first needed. A failed send throws (a {@link
 * TransientError}, unless a broker refuses the record itself), and the caller keeps the records. The next send opens a
 * new connection, because a kafkajs producer that lost its broker at certain moments fails with "Broker not connected"
 * for ever.
 */
export class RecordProducer {
  private readonly kafka: KafkaClient;
  private readonly idempotent: boolean;
  private current: { producer: Producer; connected: Promise<void> } | undefined;
  private closed = false;
  /**
   * Kafka's clock minus the monotonic clock of this process, from the latest acknowledgement with a time of arrival.
   */
  private brokerOffsetMs: number | undefined;

  /** @param idempotent for state topics, so that a retried record cannot land after a newer one */
  constructor(kafka: KafkaClient, idempotent = false) {
    this.kafka = kafka;
    this.idempotent = idempotent;
  }

  private open(): { producer: Producer; connected: Promise<void> } {
    const { idempotent } = this;
    const producer = this.kafka.producer({
      idempotent,
      maxInFlightRequests: idempotent ? 1 : 5,
      allowAutoTopicCreation: false,
      retry: { retries: idempotent ? 8 : 3 },
    });
    return { producer, connected: producer.connect() };
  }

  /**
   * The current time by Kafka's clock in milliseconds since the epoch, with the error of a round trip, for comparison
   * with the arrival of records. `undefined` before the first acknowledgement.
   */
  brokerNow(): number | undefined {
    return this.brokerOffsetMs === undefined ? undefined : Math.round(performance.now() + this.brokerOffsetMs);
  }

  /** Publishes values of the topic's type, each with its key. Sends nothing for an empty list. */
  async publish<T extends Topic>(topic: T, messages: readonly Message<T>[]): Promise<void> {
    if (messages.length > 0) await this.send(this.kafka.named(topic.name), encodeMessages(topic, messages));
  }

  /** Like `publish`, for content that is already encoded: spliced rows, events from the journal. */
  async publishEncoded<T extends Topic>(topic: T, records: readonly EncodedRecord<T>[]): Promise<void> {
    if (records.length > 0) await this.send(this.kafka.named(topic.name), records.map(keyedRecord));
  }

  /** Sends bytes unchanged to a topic given by its name on the broker. Slipway's own messages use `publish`. */
  async send(topic: string, messages: OutgoingRecord[], partition?: number): Promise<void> {
    if (this.closed) throw new TransientError('the producer is closed');
    this.current ??= this.open();
    const used = this.current;
    try {
      await used.connected;
      for (const group of batches(messages)) {
        const [acknowledged] = await used.producer.send({
          topic,
          acks: -1,
          timeout: 5000,
          compression: CompressionTypes.None,
          messages: group.map((m) => ({
            key: m.key ?? null,
            value: m.value,
            ...(m.headers ? { headers: m.headers } : {}),
            ...(partition === undefined ? {} : { partition }),
          })),
        });
        const arrived = Number(acknowledged?.logAppendTime ?? -1);
        if (arrived > 0) this.brokerOffsetMs = arrived - performance.now();
        // On a topic without times of arrival the producer's clock is used.
        else this.brokerOffsetMs ??= steadyNow() - performance.now();
      }
    } catch (error) {
      if (this.current === used) this.current = undefined;
      void used.producer.disconnect().catch(() => undefined);
      throw sendFault(error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await within(CLOSE_PATIENCE_MS, this.current?.producer.disconnect());
  }
}
