import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PredictionRow } from '@slipway/contracts';
import { until } from '@slipway/local';
import { migrateClickHouse } from '@slipway/platform';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of clickhouse.test.ts, which the root's vitest runs
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, type TestStack } from '../fixtures/stack.ts';

type Rows = {
  prediction: (change?: Partial<PredictionRow>) => PredictionRow;
  send: (lines: (object | string)[]) => Promise<unknown>;
  landed: (id: string) => Promise<Record<string, unknown> | undefined>;
};

/** What a second deployment changes; part of the suite of ClickHouse, on its stack. */
export function describeMigrations(stack: () => TestStack, { prediction, send, landed }: Rows): void {
  describe('the migrations', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'migrations-'));
      cpSync(join(root, 'deploy', 'clickhouse'), folder, { recursive: true });
    });
    afterAll(() => rmSync(folder, { recursive: true }));
    const migrate = (brokers = stack().kafkaBrokers) =>
      migrateClickHouse(stack().clickhouse.writer, folder, { KAFKA_BROKERS: brokers, TOPIC_PREFIX: '' });
    const command = (query: string) => stack().clickhouseClient.command({ query });

    it('change nothing when nothing has changed', async () => {
      expect(await migrate()).toEqual([]);
    });

    it('apply a view again when its text has changed, and nothing else', async () => {
      const file = join(folder, 'views', 'exposures.sql');
      writeFileSync(file, `-- said otherwise\n${readFileSync(file, 'utf8')}`);
      expect(await migrate()).toEqual(['views/exposures.sql']);
      expect(await migrate()).toEqual([]);
    });

    it('apply the ingest again while rows arrive, and no row is lost', async () => {
      const source = 'while-migrating';
      let sent = 0;
      let ended = false;
      const sending = (async () => {
        for (; !ended; sent += 20) await send(Array.from({ length: 20 }, () => prediction({ source })));
      })();
      const brokers = stack().kafkaBrokers;
      const applied = await migrate(`${brokers},${brokers}`);
      ended = true;
      await sending;
      expect(applied).toContain('ingest/predictions');
      expect(applied.every((name) => name.startsWith('ingest/'))).toBe(true);
      await migrate();
      await until('every row', async () => {
        const [row] = await stack().query<{ n: number }>(
          'SELECT uniqExact(event_id) AS n FROM predictions WHERE source = {source:String}',
          { source },
        );
        return row?.n === sent;
      });
    });

    it('add a declared column that is missing, at its place', async () => {
      await command('ALTER TABLE slipway.predictions DROP COLUMN branch');
      // The ingest begins again, or the next row might still be written without the column.
      expect(await migrate()).toEqual(['columns/predictions', 'ingest/predictions']);
      const row = prediction({ branch: 'german' });
      await send([row]);
      await until('the row', async () => (await landed(row.event_id)) !== undefined);
      expect(Object.keys((await landed(row.event_id)) ?? {}).slice(5, 8)).toEqual(['protocol', 'branch', 'rollout_id']);
      expect(await landed(row.event_id)).toMatchObject({ branch: 'german' });
    });

    it('change default, codec, TTL and comment of a column to what is declared', async () => {
      const definition = () =>
        stack().query(
          "SELECT create_table_query FROM system.tables WHERE name = 'predictions' AND database = 'slipway'",
        );
      const declared = await definition();
      for (const change of [
        'request String CODEC(NONE) TTL toDateTime(time) + INTERVAL 5 DAY',
        'response REMOVE TTL',
        'branch REMOVE DEFAULT',
        "protocol LowCardinality(String) DEFAULT 'other'",
        "unit String DEFAULT 'u' COMMENT 'other' CODEC(ZSTD(3))",
        'trace_id String TTL toDateTime(time) + INTERVAL 3 DAY',
      ])
        await command(`ALTER TABLE slipway.predictions MODIFY COLUMN ${change}`);
      expect(await definition()).not.toEqual(declared);
      expect(await migrate()).toEqual(['columns/predictions']);
      expect(await definition()).toEqual(declared);
      expect(await migrate()).toEqual([]);
    });

    it('name a column whose type differs from the declared one', async () => {
      await command('ALTER TABLE slipway.retraining MODIFY COLUMN sentence LowCardinality(String)');
      await expect(migrate()).rejects.toThrow(
        'the column retraining.sentence is LowCardinality(String) and is declared as String',
      );
      await command('ALTER TABLE slipway.retraining MODIFY COLUMN sentence String');
    });
  });
}
