import { type PredictionRow, topics } from '@slipway/contracts';
import { IngestWatch, ingestRestarts } from '@slipway/experiment-stats/ingest-watch.store';
import { until } from '@slipway/local';
import { createKafka, createLogger } from '@slipway/platform';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of clickhouse.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { TestStack } from '../fixtures/stack.ts';

type Rows = {
  prediction: (change?: Partial<PredictionRow>) => PredictionRow;
  send: (lines: (object | string)[]) => Promise<unknown>;
  landed: (id: string) => Promise<Record<string, unknown> | undefined>;
};

/** Kafka tables that have stopped reading; part of the suite of ClickHouse, on its stack. */
export function describeIngestWatch(stack: () => TestStack, { prediction, send, landed }: Rows): void {
  describe('the watch over what ClickHouse reads', () => {
    const restarted = async () => (await ingestRestarts.get()).values.map((v) => v.labels.queue);
    const command = (query: string) => stack().clickhouseClient.command({ query });
    const exists = async (table: string) =>
      (await stack().query('SELECT 1 FROM system.tables WHERE name = {table:String}', { table })).length === 1;
    const arrives = async (what: string) => {
      const row = prediction();
      await send([row]);
      await until(what, async () => (await landed(row.event_id)) !== undefined);
    };
    const watching = async (work: () => Promise<void>) => {
      const log = createLogger('test', 'test', 'silent');
      const kafka = createKafka('test', stack().kafkaBrokers.split(','), log);
      const watch = new IngestWatch(kafka, stack().clickhouseClient, log, { everyMs: 200, patience: 5 });
      watch.start();
      try {
        await work();
      } finally {
        await watch.close();
      }
    };
    const engine = (group: string) =>
      `ENGINE = Kafka SETTINGS kafka_broker_list = '127.0.0.1:1', kafka_topic_list = '${topics.retraining.name}',
       kafka_group_name = '${group}', kafka_format = 'LineAsString'`;

    it('attaches a table again whose group has no member, and leaves the others alone', async () => {
      await arrives('a row before');
      // When no broker responds a table joins no group, which looks the same from outside as one that a frozen broker
      // has dropped.
      await command(`CREATE TABLE slipway.lonely_queue (line String) ${engine('clickhouse.lonely')}`);
      await command('CREATE TABLE slipway.lonely (line String) ENGINE = MergeTree ORDER BY line');
      await command(
        'CREATE MATERIALIZED VIEW slipway.lonely_ingest TO slipway.lonely AS SELECT line FROM slipway.lonely_queue',
      );
      // One that no view reads from is paused, and left alone.
      await command(`CREATE TABLE slipway.paused_queue (line String) ${engine('clickhouse.paused')}`);
      await watching(async () => {
        await until('it to be attached again', async () => (await restarted()).length > 0);
        await until('it to be there', () => exists('lonely_queue'));
        await arrives('a row meanwhile');
      });
      expect(await restarted()).toEqual(['lonely_queue']);
      for (const table of ['lonely_ingest', 'lonely_queue', 'lonely', 'paused_queue'])
        await command(`DROP TABLE slipway.${table} SYNC`);
    });

    it('attaches what an interrupted restart left detached, not what an operator has detached', async () => {
      await command('DETACH TABLE slipway.predictions_queue SYNC');
      await command('DETACH TABLE slipway.outcomes_queue PERMANENTLY SYNC');
      await watching(() => arrives('a row after it'));
      const detached = await stack().query("SELECT table FROM system.detached_tables WHERE database = 'slipway'");
      expect(detached).toEqual([{ table: 'outcomes_queue' }]);
      await command('ATTACH TABLE slipway.outcomes_queue');
    });
  });
}
