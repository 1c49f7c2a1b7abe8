import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { topicList } from '@slipway/contracts';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { isObservable, lastValueFrom, type Observable, throwError } from 'rxjs';
import { steadyNow } from '../process/clock.ts';
import { backoffMs, isTransient, TransientError } from '../process/faults.ts';
import type { Logger } from '../process/log.ts';
import { within } from './within.client.ts';
import { counter } from '../process/metrics.ts';
import type { DeadLetters } from './dead-letters.client.ts';
import type { KafkaClient } from './kafka.client.ts';
import { type ConsumedRecord, parseRecord, type RawRecord, type RecordResult } from './record.ts';

const consumedTotal = counter('slipway_consumed_records_total', 'Consumed records, by topic and result', [
  'topic',
  'result',
]);
const retriesTotal = counter('slipway_consumer_retries_total', 'Pauses because of a transient fault', ['topic']);

export type KafkaBatchServerOptions = {
  kafka: KafkaClient;
  groupId: string;
  deadLetters: DeadLetters;
  log: Logger;
  /** Members without a heartbeat for this long leave the group. */
  sessionTimeoutMs?: number;
};

/**
 * Nest's own filter turns every error of a handler into `{ status, message }`; the transport needs the original error.
 */
@Catch()
export class RethrowFilter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Time for the batch under way to finish at a stop. */
const CLOSE_PATIENCE_MS = 6000;
const HEARTBEAT_MS = 1000;

type Listener = (...args: never[]) => void;

/**
 * A Nest transport for Kafka that passes whole batches to handlers.
 *
 * Methods with `@Consume(topic)` get the `ConsumedRecord[]` of one partition and return one {@link RecordResult} for
 * each record (or nothing: all are ok). Offsets are committed only after the handler has succeeded. A record that does
 * not fit its schema, or that makes the handler fail deterministically when passed alone, goes to dead letters and
 * consumption continues. After a transient fault the offset is kept and the batch is retried with growing pauses, while
 * heartbeats continue. `close` waits for the batch under way.
 */
export class KafkaBatchServer extends Server<Record<string, Listener>> implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  private consumer: Consumer | undefined;
  private closing = false;
  private readonly options: KafkaBatchServerOptions;
  private readonly listeners = new Map<string, Listener[]>();

  constructor(options: KafkaBatchServerOptions) {
    super();
    this.options = options;
  }

  listen(callback: (error?: unknown) => void): void {
    // Kafka may be unavailable at the start: the service starts, and the consumer joins when it can.
    void this.join(0);
    callback();
  }

  async close(): Promise<void> {
    this.closing = true;
    await within(CLOSE_PATIENCE_MS, this.consumer?.disconnect());
  }

  on<E extends string, C extends Listener>(event: E, callback: C): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), callback]);
  }

  unwrap<T>(): T {
    return this.consumer as T;
  }

  private emit(event: string, ...args: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...(args as never[]));
  }

  private async join(attempt: number): Promise<void> {
    if (this.closing) return;
    const { kafka, log, sessionTimeoutMs = 10_000 } = this.options;
    const groupId = kafka.named(this.options.groupId);
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: 15_000,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
      retry: { retries: 5, restartOnFailure: async () => false },
    });
    this.consumer = consumer;
    consumer.on(consumer.events.GROUP_JOIN, (e) => this.emit('joined', e.payload.memberAssignment));
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      log.warn(
        { error: payload.error.message, groupId },
        'the consumer lost its connection to the broker and joins again',
      );
      void consumer
        .disconnect()
        .catch(() => undefined)
        .then(() => this.rejoin(0));
    });
    try {
      await consumer.connect();
      await consumer.subscribe({
        topics: [...this.messageHandlers.keys()].map((t) => kafka.named(t)),
        fromBeginning: true,
      });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: (payload) => this.eachBatch(payload),
      });
    } catch (error) {
      log.warn({ error: (error as Error).message, groupId, attempt }, 'cannot join the consumer group; trying again');
      await consumer.disconnect().catch(() => undefined);
      this.rejoin(attempt + 1);
    }
  }

  private rejoin(attempt: number): void {
    if (!this.closing) setTimeout(() => void this.join(attempt), backoffMs(attempt, Math.random())).unref();
  }

  private async eachBatch({
    batch,
    heartbeat,
    resolveOffset,
    commitOffsetsIfNecessary,
    isRunning,
    isStale,
  }: EachBatchPayload): Promise<void> {
    const topic = topicList.find((t) => this.options.kafka.named(t.name) === batch.topic);
    const handler = topic && this.messageHandlers.get(topic.name);
    if (!handler) return;
    const letters: { record: RawRecord; reason: string }[] = [];
    const records: ConsumedRecord[] = [];
    for (const m of batch.messages) {
      const record: RawRecord = {
        topic: batch.topic,
        partition: batch.partition,
        offset: m.offset,
        timestamp: m.timestamp,
        key: m.key,
        value: m.value,
        headers: textHeaders(m.headers),
      };
      const parsed = parseRecord(topic, m.value, record.headers);
      if (parsed.ok) records.push({ ...record, parsed: parsed.value });
      else letters.push({ record, reason: parsed.reason });
    }
    const keepTrying = () => isRunning() && !isStale() && !this.closing;
    const done =
      (await this.handle(handler, records, letters, heartbeat, keepTrying)) &&
      (await this.patiently(
        batch.topic,
        () => this.options.deadLetters.send(letters, steadyNow()),
        heartbeat,
        keepTrying,
      ));
    if (!done) return;
    const next = (BigInt(batch.lastOffset()) + 1n).toString();
    // consumer.commitOffsets does nothing once a stop has begun, so it cannot be used here.
    await commitOffsetsIfNecessary({
      topics: [{ topic: batch.topic, partitions: [{ partition: batch.partition, offset: next }] }],
    });
    resolveOffset(batch.lastOffset());
    consumedTotal.inc({ topic: batch.topic, result: 'ok' }, batch.messages.length - letters.length);
    consumedTotal.inc({ topic: batch.topic, result: 'dead_letter' }, letters.length);
    await heartbeat();
  }

  /**
   * Passes records to the handler. A batch that fails deterministically is halved repeatedly until each failing record
   * is alone.
   */
  private async handle(
    handler: MessageHandler,
    records: ConsumedRecord[],
    letters: { record: RawRecord; reason: string }[],
    heartbeat: () => Promise<void>,
    keepTrying: () => boolean,
  ): Promise<boolean> {
    if (records.length === 0) return true;
    let results: RecordResult[] | undefined;
    let failure: unknown;
    const finished = await this.patiently(
      (records[0] as ConsumedRecord).topic,
      async () => {
        failure = undefined;
        try {
          results = await call(handler, records);
        } catch (error) {
          if (isTransient(error)) throw error;
          // Without the original error a failure cannot be classified, and what cannot be explained must not go to dead
          // letters.
          if (!(error instanceof Error))
            throw new TransientError(
              'a handler failed and Nest hid the error: the microservice lacks the RethrowFilter',
            );
          failure = error;
        }
      },
      heartbeat,
      keepTrying,
    );
    if (!finished) return false;
    if (failure === undefined) {
      results?.forEach((result, i) => {
        const record = records[i];
        if (record && result.kind === 'deadLetter') letters.push({ record, reason: result.reason });
      });
      return true;
    }
    if (records.length === 1) {
      letters.push({
        record: records[0] as ConsumedRecord,
        reason: failure instanceof Error ? failure.message : String(failure),
      });
      return true;
    }
    const half = records.length >> 1;
    return (
      (await this.handle(handler, records.slice(0, half), letters, heartbeat, keepTrying)) &&
      this.handle(handler, records.slice(half), letters, heartbeat, keepTrying)
    );
  }

  /** Repeats `work` after transient faults. Returns false when the partition was revoked or the server is closing. */
  private async patiently(
    topic: string,
    work: () => Promise<void>,
    heartbeat: () => Promise<void>,
    keepTrying: () => boolean,
  ): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      // Heartbeats continue while the handler works: a rebalance now would cause the work to be done twice.
      const beating = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_MS);
      try {
        await work().finally(() => clearInterval(beating));
        return true;
      } catch (error) {
        if (!isTransient(error)) throw error;
        retriesTotal.inc({ topic });
        this.options.log.warn(
          { topic, attempt, error: (error as Error).message },
          'a store is not available; the offset is kept and the batch is retried',
        );
        const until = performance.now() + backoffMs(attempt, Math.random());
        while (performance.now() < until) {
          if (!keepTrying()) return false;
          await new Promise((resolve) => setTimeout(resolve, 50));
          await heartbeat();
        }
      }
    }
  }
}

async function call(handler: MessageHandler, records: ConsumedRecord[]): Promise<RecordResult[] | undefined> {
  const result: unknown = await handler(records, {});
  const value: unknown = isObservable(result) ? await lastValueFrom(result, { defaultValue: undefined }) : result;
  return Array.isArray(value) ? (value as RecordResult[]) : undefined;
}

function textHeaders(headers: Record<string, unknown> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([k, v]) => [k, String(v)]));
}
