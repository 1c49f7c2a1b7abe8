import {
  type ClickHouseClient,
  counter,
  gauge,
  type KafkaClient,
  type Logger,
  PacedLoop,
  queryRows,
  withAdmin,
} from '@slipway/platform';

export const ingestRestarts = counter(
  'slipway_ingest_restarts_total',
  'Kafka tables of ClickHouse that had left their consumer group and were attached again',
  ['queue'],
);

const ingestStuck = gauge(
  'slipway_ingest_stuck',
  'Kafka tables of ClickHouse that read nothing and cannot be detached: 1 until ClickHouse is restarted',
  ['queue'],
);

/** Five seconds between checks: a check is one request to Kafka and two small queries. */
const EVERY_MS = 5000;
/** Number of consecutive checks with an empty group before a restart: longer than a start or a rebalance takes. */
const PATIENCE = 6;

/** A table detaches within a second, if at all. */
const DETACH_MS = 25_000;
/** If a restart does not help, the pause before the next one doubles, up to 2 ** 7 times (an hour). */
const MOST_DOUBLINGS = 7;
const CLOSE_MS = 6000;

/** `since` is the start of the server, in seconds. */
type Queue = { name: string; group: string; since: number };

/**
 * Keeps ClickHouse reading. When a broker stops answering while a Kafka table commits its offsets, the client library
 * inside ClickHouse can lose its assignment and never rejoin its group: the table polls without getting rows until it
 * is detached and attached. Nothing is lost by that, since offsets are committed after the rows are written. In some
 * cases the library never returns from that commit, and the table cannot be detached either: then ClickHouse has to be
 * restarted, which is reported (`slipway_ingest_stuck`) and not done from here.
 *
 * A table that was detached with `PERMANENTLY` is left alone; one that was detached without it is attached again.
 */
export class IngestWatch {
  private readonly kafka: KafkaClient;
  private readonly clickhouse: ClickHouseClient;
  private readonly log: Logger;
  private readonly patience: number;
  private readonly loop: PacedLoop;
  private failures = 0;
  private closing = false;
  /** Number of restarts of a table since its group last had a member. */
  private readonly tries = new Map<string, number>();
  private readonly empty = new Map<string, number>();
  /** Tables that could not be detached, with the start of the server at that time. */
  private readonly stuck = new Map<string, number>();

  /** @param pace milliseconds between two checks, and how many checks a group may be empty */
  constructor(
    kafka: KafkaClient,
    clickhouse: ClickHouseClient,
    log: Logger,
    pace: { everyMs: number; patience: number } = { everyMs: EVERY_MS, patience: PATIENCE },
  ) {
    this.kafka = kafka;
    this.clickhouse = clickhouse;
    this.log = log;
    this.patience = pace.patience;
    this.loop = new PacedLoop(() => this.look(), pace.everyMs);
  }

  start(): void {
    this.loop.start();
  }

  /** A check that hangs is not waited for; what it detached is attached by the next one, of any process. */
  async close(): Promise<void> {
    this.closing = true;
    await Promise.race([this.loop.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_MS))]);
  }

  private async look(): Promise<void> {
    try {
      await this.attachDetached();
      for (const queue of await this.deserted()) if (!this.closing) await this.restart(queue);
      this.failures = 0;
    } catch (error) {
      // Kafka or ClickHouse is unavailable: nothing is known about any group, and earlier observations may be outdated.
      this.empty.clear();
      this.failures += 1;
      // Logged once while it lasts: a login without the right to check (deploy/kafka/acls.txt) never gets it by
      // waiting.
      const level = this.failures === this.patience ? 'warn' : 'debug';
      this.log[level]({ err: error }, 'the Kafka tables of ClickHouse could not be checked');
    }
  }

  /** Tables whose groups have had no member for `patience` checks. */
  private async deserted(): Promise<Queue[]> {
    // A table without a view reads nothing and is in no group; this is how to pause it.
    const queues = await queryRows<Queue>(
      this.clickhouse,
      `SELECT name, extract(engine_full, 'kafka_group_name = \\'([^\\']*)\\'') AS group,
         toUnixTimestamp(now()) - uptime() AS since
       FROM system.tables
       WHERE database = 'slipway' AND engine = 'Kafka' AND startsWith(group, {ours:String})
         AND notEmpty(dependencies_table)`,
      { ours: this.kafka.named('clickhouse.') },
    );
    for (const name of [...this.empty.keys(), ...this.stuck.keys()])
      if (!queues.some((q) => q.name === name)) this.forget(name);
    if (queues.length === 0) return [];
    const { groups } = await withAdmin(this.kafka, (admin) => admin.describeGroups(queues.map((q) => q.group)));
    const state = new Map(groups.map((g) => [g.groupId, g.state]));
    return queues.filter(({ name, group }) => {
      if (!['Empty', 'Dead'].includes(state.get(group) ?? '')) {
        this.forget(name);
        return false;
      }
      const looks = (this.empty.get(name) ?? 0) + 1;
      this.empty.set(name, looks);
      return looks >= this.patience * 2 ** Math.min(this.tries.get(name) ?? 0, MOST_DOUBLINGS);
    });
  }

  /** Its group has a member again, or the table no longer exists. */
  private forget(name: string): void {
    this.empty.delete(name);
    this.tries.delete(name);
    if (this.stuck.delete(name)) ingestStuck.set({ queue: name }, 0);
  }

  private async restart({ name, group, since }: Queue): Promise<void> {
    // A second try in the same process would hang as well. The start of the process is known to a second or two.
    if (Math.abs((this.stuck.get(name) ?? 0) - since) <= 2) return;
    this.empty.set(name, 0);
    this.tries.set(name, (this.tries.get(name) ?? 0) + 1);
    ingestRestarts.inc({ queue: name });
    this.log.warn(
      { queue: name, group },
      'a Kafka table of ClickHouse has no consumer in its group: attaching it again',
    );
    const abort_signal = AbortSignal.timeout(DETACH_MS);
    try {
      await this.clickhouse.command({ query: `DETACH TABLE slipway.${name} SYNC`, abort_signal });
    } catch (error) {
      if (!abort_signal.aborted) {
        this.log.warn(
          { err: error, queue: name },
          'a Kafka table of ClickHouse could not be detached; this is retried later',
        );
        return;
      }
      this.stuck.set(name, since);
      ingestStuck.set({ queue: name }, 1);
      this.log.error({ err: error, queue: name }, 'a Kafka table of ClickHouse cannot be detached: restart ClickHouse');
      return;
    }
    await this.attach(name);
  }

  /** Also tables left detached by a restart that was interrupted. */
  private async attachDetached(): Promise<void> {
    const left = await queryRows<{ table: string }>(
      this.clickhouse,
      `SELECT table FROM system.detached_tables
       WHERE database = 'slipway' AND endsWith(table, '_queue') AND NOT is_permanently`,
    );
    for (const { table } of left) await this.attach(table);
  }

  private async attach(name: string): Promise<void> {
    try {
      await this.clickhouse.command({ query: `ATTACH TABLE IF NOT EXISTS slipway.${name}` });
      this.log.info({ queue: name }, 'attached a Kafka table of ClickHouse');
    } catch (error) {
      this.log.error({ err: error, queue: name }, 'a Kafka table of ClickHouse is detached and cannot be attached');
    }
  }
}
