import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { until } from '@slipway/local';
import { createClickHouse, queryRows } from '@slipway/platform';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of clickhouse.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../fixtures/certificate.ts';
import type { TestStack } from '../fixtures/stack.ts';

const exec = promisify(execFile);

/** Clients of other kinds; part of the suite of ClickHouse, on its stack. */
export function describeReaders(stack: () => TestStack): void {
  const VIEWS = [
    'arms',
    'discrepancies',
    'exposures',
    'latency_by_version',
    'prediction_outcomes',
    'rollout_timeline',
    'router_accounting',
    'shadow_accounting',
    'unknown_values',
  ];

  describe('the analyst', () => {
    it('reads with @clickhouse/client, with bound parameters, formats and settings', async () => {
      const client = createClient({
        url: stack().clickhouse.analyst,
        database: 'slipway',
        log: { level: ClickHouseLogLevel.OFF },
      });
      const rows = await (
        await client.query({
          query: 'SELECT {a:String} AS a, {n:UInt8} + 1 AS n, {l:Array(String)} AS l',
          query_params: { a: "it's a \\ test\n", n: 41, l: ['x', "y'z"] },
          format: 'JSONEachRow',
          clickhouse_settings: { max_block_size: '100' },
        })
      ).json();
      expect(rows).toEqual([{ a: "it's a \\ test\n", n: 42, l: ['x', "y'z"] }]);
      const views = await (
        await client.query({
          query: "SELECT name FROM system.tables WHERE database = 'slipway' AND engine = 'View' ORDER BY name",
          format: 'JSONCompact',
        })
      ).json<{ data: string[][] }>();
      expect((views as unknown as { data: string[][] }).data.flat()).toEqual(VIEWS);
      for (const v of VIEWS) await client.query({ query: `SELECT * FROM ${v} LIMIT 1` }).then((r) => r.text());
      await client.close();
    });

    it.each(['writer', 'analyst'] as const)('binds parameters of any length, as %s', async (login) => {
      const client = createClickHouse(stack().clickhouse[login]);
      const list = Array.from({ length: 3000 }, (_, i) => `${i} isn't \\ "é"\n`);
      const sql = 'SELECT {list:Array(String)} AS list, {n:UInt8} AS n';
      expect(await queryRows(client, sql, { list, n: 7 })).toEqual([{ list, n: 7 }]);
      await client.close();
    });

    it('cannot write, in any way', async () => {
      const client = createClient({
        url: stack().clickhouse.analyst,
        database: 'slipway',
        log: { level: ClickHouseLogLevel.OFF },
      });
      for (const query of [
        'CREATE TABLE x (a Int8) ENGINE = Memory',
        'DROP TABLE predictions',
        'TRUNCATE TABLE outcomes',
        "INSERT INTO outcomes (event_id) VALUES ('x')",
        'ALTER TABLE predictions DELETE WHERE 1',
      ]) {
        await expect(client.command({ query }), query).rejects.toThrow(/Not enough privileges/);
      }
      const refused = /Not enough privileges|readonly/;
      await expect(client.command({ query: 'SET readonly = 0' })).rejects.toThrow(refused);
      await expect(
        client.command({ query: 'SELECT 1', clickhouse_settings: { readonly: '0' } as never }),
      ).rejects.toThrow(refused);
      await expect(client.command({ query: 'CREATE TABLE x (a Int8) ENGINE = Memory' })).rejects.toThrow(
        /Not enough privileges/,
      );
      await client.close();
    });

    it('reads with plain curl: TabSeparated by default, other formats, errors with their status', async () => {
      const { stdout } = await exec('curl', ['-s', stack().clickhouse.analyst, '-d', "SELECT 1, 'a'"]);
      expect(stdout).toBe('1\ta\n');
      const json = await exec('curl', [
        '-s',
        '-G',
        stack().clickhouse.analyst,
        '--data-urlencode',
        'query=SELECT 1 AS x FORMAT JSONEachRow',
      ]);
      expect(json.stdout).toBe('{"x":1}\n');
      const ping = await exec('curl', ['-s', `${stack().clickhouse.url}/ping`]);
      expect(ping.stdout).toBe('Ok.\n');
      const parameters = await exec('curl', [
        '-s',
        `${stack().clickhouse.analyst}/?param_x=7`,
        '-d',
        'SELECT {x:UInt8}',
      ]);
      expect(parameters.stdout).toBe('7\n');
      const error = await exec('curl', [
        '-s',
        '-w',
        '%{http_code}',
        stack().clickhouse.analyst,
        '-d',
        'SELECT * FROM nowhere',
      ]);
      expect(error.stdout).toMatch(/UNKNOWN_TABLE[\s\S]*404$/);
      const stranger = await exec('curl', [
        '-s',
        '-w',
        '%{http_code}',
        `${stack().clickhouse.url}/?user=analyst&password=wrong`,
        '-d',
        'SELECT 1',
      ]);
      expect(stranger.stdout).toMatch(/AUTHENTICATION_FAILED[\s\S]*401$/);
      const native = await exec(
        'curl',
        ['-s', `${stack().clickhouse.analyst}/?default_format=Native`, '-d', 'SELECT number FROM numbers(3)'],
        { encoding: 'buffer' },
      );
      expect(native.stdout.toString('latin1')).toContain('UInt64');
    });

    it('gets a setting for one query, and not for the next', async () => {
      const ask = async (suffix: string) =>
        (
          await exec('curl', [
            '-s',
            `${stack().clickhouse.analyst}/${suffix}`,
            '-d',
            "SELECT value FROM system.settings WHERE name = 'max_threads'",
          ])
        ).stdout.trim();
      const normal = await ask('');
      expect(await ask('?max_threads=7')).toBe('7');
      for (let i = 0; i < 8; i++) expect(await ask('')).toBe(normal);
    });
  });

  describe('a session of the writer', () => {
    it('keeps its temporary tables, which no other session sees, until it is closed', async () => {
      const ask = async (suffix: string, sql: string) => {
        const answer = await fetch(`${stack().clickhouse.writer.replace(/[^/]*@/, '')}/${suffix}`, {
          method: 'POST',
          body: sql,
          headers: {
            authorization: `Basic ${btoa(new URL(stack().clickhouse.writer).href.slice(7).split('@')[0] ?? '')}`,
          },
        });
        return { status: answer.status, text: (await answer.text()).trim() };
      };
      expect(await ask('?session_id=a', 'CREATE TEMPORARY TABLE kept AS SELECT number FROM numbers(3)')).toMatchObject({
        status: 200,
      });
      expect(await ask('?session_id=a', 'SELECT sum(number) FROM kept')).toEqual({ status: 200, text: '3' });
      for (const other of ['', '?session_id=b'])
        expect((await ask(other, 'SELECT * FROM kept')).text).toContain('UNKNOWN_TABLE');
      const long = ask('?session_id=a', 'SELECT sleep(1) FROM kept');
      await until('the session to be in use', async () =>
        (await ask('?session_id=a', 'SELECT 1')).text.includes('SESSION_IS_LOCKED'),
      );
      expect((await long).status).toBe(200);
      expect((await ask('?session_id=a&close_session=1', 'SELECT 1')).text).toBe('1');
      expect((await ask('?session_id=a', 'SELECT * FROM kept')).text).toContain('UNKNOWN_TABLE');
    });
  });

  describe('over TLS', () => {
    it('is read by a service that trusts the authority of CLICKHOUSE_TLS_CA, and by no other', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'clickhouse-tls-'));
      const made = makeCertificate(folder);
      const [cert, key] = [readFileSync(made.certificate, 'utf8'), readFileSync(made.key, 'utf8')];
      rmSync(folder, { recursive: true });
      const { port } = new URL(stack().clickhouse.url);
      // Terminates encryption in front of the server, like a proxy.
      const front = createServer({ cert, key }, (socket) => {
        const server = connect(Number(port), '127.0.0.1');
        for (const s of [socket, server]) s.on('error', () => undefined);
        socket.pipe(server).pipe(socket);
      });
      front.on('tlsClientError', () => undefined);
      await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
      const url = new URL(stack().clickhouse.writer);
      url.protocol = 'https:';
      url.port = String((front.address() as AddressInfo).port);
      const trusting = createClickHouse(url.href, 'slipway', cert);
      const other = createClickHouse(url.href);
      expect(await queryRows(trusting, 'SELECT 1 AS x')).toEqual([{ x: 1 }]);
      await expect(queryRows(other, 'SELECT 1 AS x')).rejects.toThrow(/self-signed certificate/);
      await Promise.all([trusting.close(), other.close()]);
      front.close();
    });
  });

  describe('comments', () => {
    it('has a comment on every table, view and column', async () => {
      const tables = await stack().query<{ name: string }>(
        "SELECT name FROM system.tables WHERE database = 'slipway' AND comment = '' ORDER BY name",
      );
      const columns = await stack().query<{ name: string }>(
        `SELECT concat(table, '.', name) AS name FROM system.columns
         WHERE database = 'slipway' AND comment = '' ORDER BY name`,
      );
      expect([...tables, ...columns].map((without) => without.name)).toEqual([]);
      const views = await stack().query<{ text: string }>(
        `SELECT comment AS text FROM system.columns WHERE database = 'slipway' AND table = 'predictions_ingest'
          AND name = 'arrived_at'`,
      );
      expect(views).toEqual([{ text: "time of arrival by Kafka's clock; orders evidence" }]);
    });
  });
}
