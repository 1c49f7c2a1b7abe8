import { topicNamed, topics } from '@slipway/contracts';
import { counter, gauge, isRefusedRecord, type Logger, type RecordProducer, steadyNow } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import { ownStates } from './own-state.store.ts';

const publishedTotal = counter('slipway_outbox_published_total', 'Records published from the outbox, by topic', [
  'topic',
]);
const waitingGauge = gauge('slipway_outbox_waiting', 'Outbox rows not yet published at the last check');

const refusedGauge = gauge('slipway_outbox_refused', 'Keys whose records the broker refused at the last check');

type Waiting = { topic: string; key: string; state: boolean };

/** For entries of a registry that has ended; a running registry notifies its own publisher. */
const POLL_MS = 5000;
/** Pause after a pass that could not publish everything. */
const RETRY_MS = 1000;
/** Largest number of keys in one pass. */
const MOST_KEYS = 500;

/**
 * Publishes the outbox: at once when notified after a commit, and by a poll as the backstop. For each key it holds a
 * lock while it reads, sends and waits for the acknowledgement; on a state topic it sends the state that is current
 * under that lock.
 *
 * A process that stood still for longer than Postgres waits has lost its lock and may send an old state after a newer
 * one. Readers keep the highest revision that they have seen. For later readers, a publisher that cannot know whether
 * its transaction was committed sends the current state once more, and so does every start.
 *
 * A record that a broker refuses because of its content (it is too large) stays in the outbox and is reported; other
 * keys do not wait for it.
 */
export class OutboxPublisher {
  private readonly database: Database;
  private readonly producer: RecordProducer;
  private readonly log: Logger;
  private running = false;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  /** Keys of state topics on which an old state may have been written last, by `topic/key`. */
  private readonly doubtful = new Map<string, Waiting>();

  constructor(database: Database, producer: RecordProducer, log: Logger) {
    this.database = database;
    this.producer = producer;
    this.log = log;
  }

  start(): void {
    void this.doubtEverything().finally(() => this.kick());
  }

  private async doubtEverything(): Promise<void> {
    try {
      for (const { topic, current } of ownStates)
        for (const { key } of await this.database.query<{ key: string }>(current))
          this.doubtful.set(`${topic.name}/${key}`, { topic: topic.name, key, state: true });
    } catch (error) {
      this.log.warn(
        { error: (error as Error).message },
        'the current states could not be listed; the rest of the outbox is published',
      );
    }
  }

  kick(): void {
    if (this.closed) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    clearTimeout(this.timer);
    void this.database
      .detached(() => this.drain())
      .then((all) => {
        this.running = false;
        const at = this.again ? 0 : all ? POLL_MS : RETRY_MS;
        this.again = false;
        if (at === 0) this.kick();
        else if (!this.closed) this.timer = setTimeout(() => this.kick(), at);
      });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    while (this.running) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** @returns whether nothing is left */
  private async drain(): Promise<boolean> {
    try {
      // Routes first: a rollback must not wait for other states.
      const keys = await this.database.query<Waiting>(
        `SELECT topic, key, bool_and(payload IS NULL) AS state
          FROM outbox
          WHERE published_at IS NULL
          GROUP BY topic, key
          ORDER BY topic = $1 DESC, min(id) LIMIT $2`,
        [topics.routes.name, MOST_KEYS],
      );
      waitingGauge.set(keys.length);
      let refused = 0;
      for (const waiting of keys) if (!(await this.taken(waiting))) refused++;
      for (const [name, waiting] of [...this.doubtful]) {
        // At a start these are all that there are: what changes now does not wait for them.
        if (this.again) break;
        if (!(await this.taken(waiting, true))) refused++;
        this.doubtful.delete(name);
      }
      refusedGauge.set(refused);
      this.again ||= keys.length === MOST_KEYS && refused === 0;
      return refused === 0;
    } catch (error) {
      this.log.warn(
        { error: (error as Error).message },
        'publishing is tried again: Kafka or Postgres is not available',
      );
      return false;
    }
  }

  /** @returns false when the broker refused the records themselves @throws any other error, which is transient */
  private async taken(waiting: Waiting, again = false): Promise<boolean> {
    try {
      await this.publish(waiting, again);
      return true;
    } catch (error) {
      if (!isRefusedRecord(error)) throw error;
      const { topic, key } = waiting;
      this.log.error(
        { topic, key, error: (error as Error).message },
        'THE BROKER REFUSES A RECORD: it stays in the outbox',
      );
      return false;
    }
  }

  /** @param again sends the current state even when nothing waits */
  private async publish(waiting: Waiting, again = false): Promise<void> {
    const { topic, key, state } = waiting;
    let sent = false;
    try {
      await this.database.transaction(async (sql) => {
        await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [`${topic}/${key}`]);
        const rows = await sql.query<{ id: string; payload: string | null }>(
          'SELECT id, payload FROM outbox WHERE topic = $1 AND key = $2 AND published_at IS NULL ORDER BY id LIMIT 500',
          [topic, key],
        );
        if (rows.length === 0 && !again) return;
        if (state) {
          const message = await ownState(topic).message(sql, key);
          sent = true;
          await this.producer.publish(ownState(topic).topic, [message]);
        } else {
          const events = rows.flatMap((r) => (r.payload === null ? [] : [{ key, value: r.payload }]));
          await this.producer.publishEncoded(topicNamed(topic), events);
        }
        await sql.query('UPDATE outbox SET published_at = $1 WHERE id = ANY($2::bigint[])', [
          steadyNow(),
          rows.map((r) => r.id),
        ]);
        publishedTotal.inc({ topic }, state ? 1 : rows.length);
      });
    } catch (error) {
      if (sent) this.doubtful.set(`${topic}/${key}`, waiting);
      throw error;
    }
  }

  /** Deletes rows that were published long ago. */
  async prune(olderThan: number): Promise<void> {
    await this.database.query('DELETE FROM outbox WHERE published_at < $1', [olderThan]);
    await this.database.query('DELETE FROM idempotency WHERE created_at < $1', [olderThan]);
  }
}

function ownState(name: string) {
  const found = ownStates.find(({ topic }) => topic.name === name);
  if (!found) throw new Error(`${name} is not a state topic of the registry`);
  return found;
}
