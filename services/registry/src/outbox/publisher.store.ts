import { topics } from '@slipway/contracts';
import { counter, gauge, type Logger, type RecordProducer, steadyNow } from '@slipway/platform';
import type { Database, Sql } from '../database/database.store.ts';

const publishedTotal = counter('slipway_outbox_published_total', 'Records published from the outbox, by topic', [
  'topic',
]);
const waitingGauge = gauge('slipway_outbox_waiting', 'Outbox rows not yet published at the last look');

type Waiting = { topic: string; key: string; state: boolean };

/**
 * Publishes the outbox: at once when kicked after a commit, and by a poll as the backstop. Per key it holds a lock
 * while it reads, sends
 * and waits for the ack; on a state topic it sends what is current under that lock, so nothing old can land last.
 */
export class Publisher {
  private readonly database: Database;
  private readonly producer: RecordProducer;
  private readonly log: Logger;
  private running = false;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(database: Database, producer: RecordProducer, log: Logger) {
    this.database = database;
    this.producer = producer;
    this.log = log;
  }

  start(pollMs = 1000): void {
    this.timer = setInterval(() => this.kick(), pollMs);
    this.kick();
  }

  kick(): void {
    if (this.closed) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    void this.drain().finally(() => {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.kick();
      }
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    while (this.running) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  private async drain(): Promise<void> {
    try {
      // Routes first: a rollback must not wait for its own paperwork.
      const keys = await this.database.query<Waiting>(
        `SELECT topic, key, bool_and(payload IS NULL) AS state FROM outbox WHERE published_at IS NULL GROUP BY topic, key ORDER BY topic = $1 DESC, min(id) LIMIT 500`,
        [topics.routes.name],
      );
      waitingGauge.set(keys.length);
      for (const waiting of keys) await this.publish(waiting);
    } catch (error) {
      this.log.warn({ error: (error as Error).message }, 'publishing waits: Kafka or Postgres is away');
    }
  }

  private async publish({ topic, key, state }: Waiting): Promise<void> {
    await this.database.transaction(async (sql) => {
      await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [`${topic}/${key}`]);
      const rows = await sql.query<{ id: string; payload: string | null }>(
        'SELECT id, payload FROM outbox WHERE topic = $1 AND key = $2 AND published_at IS NULL ORDER BY id LIMIT 500',
        [topic, key],
      );
      if (rows.length === 0) return;
      const values = state ? [await currentState(sql, topic, key)] : rows.map((r) => r.payload);
      await this.producer.send(
        topic,
        // A state that is no more is a tombstone.
        values.map((value) => ({ key, value })),
      );
      await sql.query('UPDATE outbox SET published_at = $1 WHERE id = ANY($2::bigint[])', [
        steadyNow(),
        rows.map((r) => r.id),
      ]);
      publishedTotal.inc({ topic }, values.length);
    });
  }

  /** Forgets what was published long ago. */
  async prune(olderThan: number): Promise<void> {
    await this.database.query('DELETE FROM outbox WHERE published_at < $1', [olderThan]);
    await this.database.query('DELETE FROM idempotency WHERE created_at < $1', [olderThan]);
  }
}

async function currentState(sql: Sql, topic: string, key: string): Promise<string | null> {
  const table =
    topic === topics.routes.name
      ? ['routes', 'endpoint']
      : topic === topics.rollouts.name
        ? ['rollouts', 'id']
        : undefined;
  if (!table) throw new Error(`${topic} is no state topic of the registry`);
  const [row] = await sql.query<{ doc: object }>(`SELECT doc FROM ${table[0]} WHERE ${table[1]} = $1`, [key]);
  return row ? JSON.stringify(row.doc) : null;
}
