import { compareRevisions, type Revision } from '@slipway/core';
import { type Topic } from '@slipway/contracts';
import type { Consumer } from 'kafkajs';
import type { z } from 'zod';
import { steadyNow } from '../process/clock.ts';
import { backoffMs } from '../process/faults.ts';
import type { Logger } from '../process/log.ts';
import type { DeadLetters } from './dead-letters.client.ts';
import { type KafkaClient, withAdmin } from './kafka.client.ts';
import { parseRecord } from './record.ts';

const IDLE_MS = 2000;
const keyOf = (m: { key: Buffer | null }) => m.key?.toString('utf8') ?? '';

export type StateReplicaOptions<S extends z.ZodType> = {
  kafka: KafkaClient;
  topic: Topic<S, 'state'>;
  /** A group name unique to this process: every start reads the topic from its beginning. */
  groupId: string;
  log: Logger;
  /**
   * `undefined` when the state was deleted. `timestampMs` is the arrival at Kafka; 0 when no record arrived but the
   * topic no longer holds the key.
   */
  onState: (key: string, value: z.output<S> | undefined, timestampMs: number) => void;
  /** Keys that the reader has from a snapshot: those that the topic no longer holds are deleted. */
  beganWith?: Iterable<string>;
  /** Gets the records that do not fit; the last valid state of their key stays in force. */
  deadLetters: DeadLetters;
  /**
   * For how long the broker may hold a fetch while nothing is new, in milliseconds. What is new is answered at once:
   * this is how often an idle topic costs something, and twice of it is how old the last contact may be.
   */
  idleMs?: number;
};

/** Shared by the readers of one process. */
export type StateReplicaParts = Pick<StateReplicaOptions<z.ZodType>, 'kafka' | 'groupId' | 'log' | 'deadLetters'>;

/**
 * Reads a compacted topic from its beginning and follows it. Until it reaches the high watermark of its start it only
 * collects, so that nobody acts on outdated states. Then it passes on the latest state of every key, reports as deleted
 * every known key that the topic no longer holds (its tombstone may have been compacted away), and resolves `ready`.
 * Kafka may be unavailable at the start or later: the replica rejoins by itself, and `lastContactMs` is when the last
 * successful fetch was sent.
 */
export class StateReplica<S extends z.ZodType> {
  readonly ready: Promise<void>;
  isReady = false;
  /**
   * By the monotonic clock (`performance.now()`), so that a jump of the wall clock cannot lengthen a lease. -Infinity
   * before the first contact.
   */
  lastContactMs = Number.NEGATIVE_INFINITY;
  private readonly options: StateReplicaOptions<S>;
  private consumer: Consumer | undefined;
  private closing = false;
  private becomeReady: () => void = () => undefined;
  private generation = 0;
  /**
   * The highest revision seen of each key: an older one that arrives later (from a publisher that was cut off) is
   * ignored.
   */
  private readonly highest = new Map<string, Revision>();
  /** Keys whose state was passed on, or that the reader had before. */
  private readonly held: Set<string>;

  constructor(options: StateReplicaOptions<S>) {
    this.options = options;
    this.held = new Set(options.beganWith);
    this.ready = new Promise((resolve) => {
      this.becomeReady = resolve;
    });
  }

  start(): void {
    void this.join(0);
  }

  /** Hands nothing over any more. It does not wait for the fetch under way: nothing is committed, nobody takes over. */
  async close(): Promise<void> {
    this.closing = true;
    void this.consumer?.disconnect().catch(() => undefined);
  }

  private async join(attempt: number): Promise<void> {
    if (this.closing) return;
    const { kafka, topic, log, idleMs = IDLE_MS } = this.options;
    // A new group for every attempt: nothing is committed, and no earlier member has to time out first.
    const own = `${process.pid}.${Date.now().toString(36)}.${this.generation++}`;
    const groupId = kafka.named(`${this.options.groupId}.${topic.name}.${own}`);
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: 20_000,
      // Each replica is alone in its group: heartbeats only keep it a member.
      heartbeatInterval: 5000,
      maxWaitTimeInMs: idleMs,
      allowAutoTopicCreation: false,
      retry: { retries: 3, restartOnFailure: async () => false },
    });
    this.consumer = consumer;
    const gathered = new Map<string, { value: z.output<S> | undefined; timestampMs: number }>();
    /** All keys of the topic, with usable states or not. */
    const present = new Set<string>();
    let goal: Map<number, bigint> | undefined;
    let neverWritten = false;
    let caughtUp = false;
    const check = () => {
      if (caughtUp || !goal || goal.size > 0) return;
      caughtUp = true;
      for (const [key, { value, timestampMs }] of gathered) this.hand(key, value, timestampMs);
      gathered.clear();
      this.dropAllBut(present, neverWritten);
      this.isReady = true;
      this.becomeReady();
    };
    // A response counts as contact at the time of its request, not of its reading: for a process that was frozen
    // meanwhile, its content is old.
    const asked = new Map<number, number>();
    consumer.on(consumer.events.FETCH_START, ({ payload }) => void asked.set(payload.nodeId, performance.now()));
    consumer.on(consumer.events.FETCH, ({ payload }) => {
      // Before the replica has caught up, a fetch says nothing about the present.
      if (caughtUp) this.lastContactMs = Math.max(this.lastContactMs, asked.get(payload.nodeId) ?? this.lastContactMs);
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      log.warn(
        { topic: topic.name, error: payload.error.message },
        'the connection to the broker was lost; reading again from the beginning',
      );
      void consumer
        .disconnect()
        .catch(() => undefined)
        .then(() => this.rejoin(0));
    });
    try {
      const marks = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(kafka.named(topic.name)));
      goal = new Map(marks.filter((m) => BigInt(m.high) > BigInt(m.low)).map((m) => [m.partition, BigInt(m.high)]));
      neverWritten = marks.every((m) => BigInt(m.high) === 0n);
      check();
      await consumer.connect();
      await consumer.subscribe({ topic: kafka.named(topic.name), fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const m of batch.messages) {
            if (!caughtUp) present[m.value === null ? 'delete' : 'add'](keyOf(m));
            this.take(batch.partition, m, (key, value, timestampMs) => {
              if (this.isOlder(key, value, caughtUp)) return;
              if (caughtUp) this.hand(key, value, timestampMs);
              else gathered.set(key, { value, timestampMs });
            });
          }
          const mark = goal?.get(batch.partition);
          if (mark !== undefined && BigInt(batch.lastOffset()) + 1n >= mark) {
            goal?.delete(batch.partition);
            check();
          }
        },
      });
    } catch (error) {
      log.warn({ topic: topic.name, attempt, error: (error as Error).message }, 'cannot read the topic yet');
      await consumer.disconnect().catch(() => undefined);
      this.rejoin(attempt + 1);
    }
  }

  private rejoin(attempt: number): void {
    if (!this.closing)
      setTimeout(() => void this.join(attempt), Math.min(1000, backoffMs(attempt, Math.random()))).unref();
  }

  private hand(key: string, value: z.output<S> | undefined, timestampMs: number): void {
    if (this.closing) return;
    if (value === undefined) this.held.delete(key);
    else this.held.add(key);
    this.options.onState(key, value, timestampMs);
  }

  /** @param neverWritten the topic is new, so the absence of a key does not mean that it was deleted */
  private dropAllBut(present: ReadonlySet<string>, neverWritten: boolean): void {
    const gone = [...this.held].filter((key) => !present.has(key));
    if (gone.length === 0) return;
    const { log, topic } = this.options;
    if (neverWritten) {
      log.warn(
        { topic: topic.name, keys: gone.length },
        'the topic is new and empty: states that were known before are kept',
      );
      return;
    }
    log.warn({ topic: topic.name, keys: gone }, 'the topic no longer holds these keys: they count as deleted');
    for (const key of gone) {
      this.highest.delete(key);
      this.hand(key, undefined, 0);
    }
  }

  private isOlder(key: string, value: z.output<S> | undefined, caughtUp: boolean): boolean {
    if (value === undefined) {
      this.highest.delete(key);
      return false;
    }
    const { revision } = value as { revision?: Revision };
    if (!revision) return false;
    const before = this.highest.get(key);
    if (before && compareRevisions(revision, before) < 0) {
      // Reading again from the beginning passes older states, which is normal.
      this.options.log[caughtUp ? 'warn' : 'trace'](
        { topic: this.options.topic.name, key, revision, before },
        'an older state arrived after a newer one; the newer one is kept',
      );
      return true;
    }
    this.highest.set(key, revision);
    return false;
  }

  private take(
    partition: number,
    m: { key: Buffer | null; value: Buffer | null; offset: string; timestamp: string },
    deliver: StateReplicaOptions<S>['onState'],
  ): void {
    const key = keyOf(m);
    if (m.value === null) {
      deliver(key, undefined, Number(m.timestamp));
      return;
    }
    const parsed = parseRecord(this.options.topic, m.value);
    if (parsed.ok) {
      deliver(key, parsed.value, Number(m.timestamp));
      return;
    }
    this.options.log.error(
      { topic: this.options.topic.name, key, offset: m.offset, reason: parsed.reason },
      'an invalid state was skipped; the last valid one stays in force',
    );
    const record = {
      topic: this.options.kafka.named(this.options.topic.name),
      partition,
      offset: m.offset,
      timestamp: m.timestamp,
      key: m.key,
      value: m.value,
      headers: {},
    };
    // Every start reads the topic again, so a dead letter that could not be sent now is sent then.
    void this.options.deadLetters
      .send([{ record, reason: parsed.reason }], steadyNow())
      .catch((error: unknown) =>
        this.options.log.warn({ error: (error as Error).message }, 'the dead letter could not be sent'),
      );
  }
}
