import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import {
  comparisonRowSchema,
  outcomeRowSchema,
  type PredictionRow,
  predictionRowSchema,
  topics,
} from '@slipway/contracts';
import { until } from '@slipway/local';
import { createClickHouse, createKafka, createLogger, queryRows, RecordProducer } from '@slipway/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../fixtures/certificate.ts';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';

let stack: TestStack;
let producer: RecordProducer;
const exec = promisify(execFile);

beforeAll(async () => {
  stack = await startTestStack('clickhouse', { counts: { registries: 0, routers: 0, workers: 0 } });
  producer = new RecordProducer(
    createKafka('test', stack.kafkaBrokers.split(','), createLogger('test', 'test', 'silent')),
  );
});
afterAll(async () => {
  await producer?.close();
  await stack?.end();
});

const prediction = (change: Partial<PredictionRow> = {}): PredictionRow => ({
  event_id: randomUUID(),
  type: 'slipway.prediction.v1',
  source: 'test',
  time: Date.now(),
  request_id: randomUUID(),
  endpoint: 'spam',
  rollout_id: 'r',
  step: 0,
  route_revision: '1.1',
  unit: 'u',
  assigned_arm: 'control',
  probability: 0.9,
  reason: 'randomised',
  served_version: 'spam:1',
  fallback_from: '',
  status: 200,
  error_code: '',
  latency_us: 1500,
  queue_us: 10,
  compute_us: 20,
  batch_size: 1,
  price: 0,
  shadow_rollout_id: '',
  shadow_step: -1,
  trace_id: '',
  request: { inputs: [] },
  response: {
    outputs: [
      { name: 'class', data: [1] },
      { name: 'label', data: ['spam'] },
    ],
  },
  router: 'r1',
  boot: 'b',
  sequence: 0,
  ...change,
});
const send = (lines: (object | string)[]) =>
  producer.send(topics.predictions.name, [
    { value: lines.map((l) => (typeof l === 'string' ? l : JSON.stringify(l))).join('\n') },
  ]);
const landed = async (id: string) =>
  (
    await stack.query<Record<string, unknown>>('SELECT * FROM predictions FINAL WHERE event_id = {id:String}', { id })
  )[0];

describe('ingestion', () => {
  it('keeps every field of a row, and a single element of an output as its plain value', async () => {
    const row = prediction();
    await send([row]);
    await until('the row', async () => (await landed(row.event_id)) !== undefined);
    const got = (await landed(row.event_id)) as Record<string, unknown>;
    const { type: _, time: __, request, response, ...plain } = row;
    expect(got).toMatchObject(plain);
    expect(JSON.parse(got['request'] as string)).toEqual(request);
    expect(JSON.parse(got['response'] as string)).toEqual(response);
    expect(got['outputs']).toEqual({ class: '1', label: 'spam' });
  });

  it('lets a bad row die alone, with its reason; the rows beside it in the same record land', async () => {
    const before = prediction();
    const after = prediction();
    const { event_id: _, ...nameless } = prediction();
    await send([
      before,
      '{"event_id": "broken',
      '[1,2]',
      nameless,
      prediction({ assigned_arm: 'other' as never }),
      prediction({ probability: 1.5 }),
      prediction({ status: 9 }),
      prediction({ time: 1 }),
      prediction({ reason: 'chance' as never }),
      JSON.stringify(prediction()).replace('"probability":0.9', '"probability":"much"'),
      after,
    ]);
    await until(
      'the good rows',
      async () => (await landed(before.event_id)) !== undefined && (await landed(after.event_id)) !== undefined,
    );
    await until('nine dead letters', async () => (await stack.query('SELECT * FROM dead_letters FINAL')).length === 9);
    const reasons = (
      await stack.query<{ reason: string; topic: string }>('SELECT reason, topic FROM dead_letters FINAL')
    )
      .map((r) => `${r.topic} ${r.reason.split(':')[0]}`)
      .sort();
    expect(reasons).toEqual(
      [
        'not JSON',
        'not a JSON object',
        'assigned_arm',
        'event_id',
        'probability',
        'probability',
        'reason',
        'status',
        'time',
      ]
        .map((r) => `${topics.predictions.name} ${r}`)
        .sort(),
    );
    const [raw] = await stack.query<{ raw: string }>("SELECT raw FROM dead_letters FINAL WHERE reason = 'not JSON'");
    expect(raw?.raw).toBe('{"event_id": "broken');
  });

  it('counts a row that comes twice once, and the first arrival wins', async () => {
    const row = prediction({ latency_us: 1 });
    await send([row]);
    await until('the first', async () => (await landed(row.event_id)) !== undefined);
    await send([{ ...row, latency_us: 2 }]);
    const marker = prediction();
    await send([marker]);
    await until('what came after', async () => (await landed(marker.event_id)) !== undefined);
    await until(
      'the second copy to be there',
      async () =>
        (await stack.query('SELECT 1 FROM predictions WHERE event_id = {id:String}', { id: row.event_id })).length >= 1,
    );
    expect(
      await stack.query('SELECT latency_us FROM predictions FINAL WHERE event_id = {id:String}', { id: row.event_id }),
    ).toEqual([{ latency_us: 1 }]);
  });

  it('lets the lower offset win of two arrivals in one millisecond, at whatever offset', async () => {
    const admin = stack.kafka.admin();
    await admin.connect();
    let next = 0;
    await until('the end of the partition', async () => {
      const marks = await admin.fetchTopicOffsets(topics.predictions.name);
      next = Number(marks.find((m) => m.partition === 0)?.high);
      return true;
    });
    await admin.disconnect();
    const round = (Math.floor(next / 1000) + 1) * 1000;
    const row = prediction({ latency_us: 1 });
    // One batch has one time of arrival. Its last two records lie on both sides of a round offset.
    await producer.send(
      topics.predictions.name,
      [
        ...Array.from({ length: round - 1 - next }, () => ({ value: '' })),
        { value: JSON.stringify(row) },
        { value: JSON.stringify({ ...row, latency_us: 2 }) },
      ],
      0,
    );
    await until('the row', async () => (await landed(row.event_id)) !== undefined);
    const marker = prediction();
    await producer.send(topics.predictions.name, [{ value: JSON.stringify(marker) }], 0);
    await until('what came after', async () => (await landed(marker.event_id)) !== undefined);
    expect(await landed(row.event_id)).toMatchObject({ latency_us: 1, kafka_offset: round - 1 });
  });

  it('takes outcomes of every kind of value, and joins them to their predictions', async () => {
    const row = prediction({ unit: 'someone' });
    await send([row]);
    await until('the row', async () => (await landed(row.event_id)) !== undefined);
    const outcome = (change: object) => ({
      event_id: randomUUID(),
      type: 'slipway.outcome.v1',
      source: 't',
      time: Date.now(),
      endpoint: 'spam',
      name: 'label',
      unit: '',
      request_id: row.request_id,
      ...change,
    });
    const outcomes = [
      outcome({ value: 1 }),
      outcome({ value: true }),
      outcome({ value: 'spam' }),
      outcome({ name: 'opened', value: 0.5, request_id: '', unit: 'someone' }),
      outcome({ value: null }),
      outcome({ value: 1, request_id: '' }),
    ];
    await producer.send(topics.outcomes.name, [{ value: outcomes.map((o) => JSON.stringify(o)).join('\n') }]);
    await until(
      'the outcomes',
      async () =>
        (await stack.query('SELECT 1 FROM prediction_outcomes WHERE prediction_id = {id:String}', { id: row.event_id }))
          .length === 4,
    );
    const joined = await stack.query<{ name: string; value: string; number: number | null; unit: string }>(
      `SELECT name, value, number, unit
        FROM prediction_outcomes
        WHERE prediction_id = {id:String}
        ORDER BY name, value`,
      { id: row.event_id },
    );
    expect(joined).toEqual([
      { name: 'label', value: '1', number: 1, unit: 'someone' },
      { name: 'label', value: 'spam', number: null, unit: 'someone' },
      { name: 'label', value: 'true', number: 1, unit: 'someone' },
      { name: 'opened', value: '0.5', number: 0.5, unit: 'someone' },
    ]);
    await until(
      'two refusals',
      async () =>
        (await stack.query("SELECT 1 FROM dead_letters FINAL WHERE topic = 'slipway.outcomes.v1'")).length === 2,
    );
  });

  it('has a column for every field of the declared rows', async () => {
    for (const [table, schema] of [
      ['predictions', predictionRowSchema],
      ['outcomes', outcomeRowSchema],
      ['comparisons', comparisonRowSchema],
    ] as const) {
      const columns = (
        await stack.query<{ name: string }>(
          'SELECT name FROM system.columns WHERE database = {d:String} AND table = {t:String}',
          { d: 'slipway', t: table },
        )
      ).map((c) => c.name);
      // `type` says which table it is
      for (const field of Object.keys(schema.shape).filter((f) => f !== 'type'))
        expect(columns, `${table}.${field}`).toContain(field);
    }
  });

  it('keeps its data over a kill -9, and goes on ingesting', async () => {
    const row = prediction();
    await send([row]);
    await until('the row', async () => (await landed(row.event_id)) !== undefined);
    stack.supervisor.kill('clickhouse', 'SIGKILL');
    const later = prediction();
    await send([later]);
    await until('the later row', async () => (await landed(later.event_id)) !== undefined, 60_000);
    expect(await landed(row.event_id)).toBeDefined();
  });
});

describe('what others send, and what the columns say', () => {
  it('keeps all elements of an output: a list as JSON, of a long one the first elements and their number', async () => {
    const text = 'é "quoted"\n';
    const output = (name: string, data: unknown[]) => ({ name, data });
    const row = prediction({
      response: {
        outputs: [
          output('label', [text]),
          output('scores', [0.25, 0.5, 1]),
          output('labels', ['spam', text]),
          output(
            'long',
            Array.from({ length: 100 }, (_, i) => i),
          ),
          output('wide', ['x'.repeat(5000), 'y'.repeat(5000)]),
          output('none', []),
        ],
      },
    });
    await send([row]);
    await until('the row', async () => (await landed(row.event_id)) !== undefined);
    const outputs = ((await landed(row.event_id)) as { outputs: Record<string, string> }).outputs;
    expect(outputs['label']).toBe(text);
    expect(JSON.parse(outputs['scores'] as string)).toEqual([0.25, 0.5, 1]);
    expect(JSON.parse(outputs['labels'] as string)).toEqual(['spam', text]);
    expect(outputs['long']).toBe(`[${Array.from({ length: 64 }, (_, i) => i).join(',')}] of 100`);
    expect(outputs['wide']).toBe(`["${'x'.repeat(5000)}"] of 2`);
    expect(outputs['none']).toBe('[]');
  });

  it('takes CloudEvents of structured mode and of binary mode on every topic of rows', async () => {
    const id = randomUUID();
    const time = Date.now();
    const event = (type: string, data: object) =>
      JSON.stringify({
        specversion: '1.0',
        type,
        id,
        source: 'shop',
        time: new Date(time).toISOString(),
        datacontenttype: 'application/json',
        data,
      });
    const { event_id: _, type: __, source: ___, time: ____, ...served } = prediction({ request_id: id });
    const comparison = {
      request_id: id,
      rollout_id: 'r',
      result: 'paired',
      agree: true,
    };
    const rows: [{ name: string }, string, object][] = [
      [topics.predictions, 'slipway.prediction.v1', served],
      [topics.outcomes, 'slipway.outcome.v1', { endpoint: 'spam', name: 'label', value: 1, unit: '', request_id: id }],
      [topics.comparisons, 'slipway.comparison.v1', comparison],
      [topics.evidence, 'slipway.evidence.v1', { rollout_id: 'r', revision: { epoch: 1, n: 1 } }],
      [topics.audit, 'slipway.audit.v1', { aggregate: 'rollout/r', n: 1 }],
      [topics.retraining, 'slipway.retraining.v1', { model: 'spam' }],
    ];
    for (const [topic, type, data] of rows) {
      await producer.send(topic.name, [{ value: event(type, data) }]);
      await producer.send(topic.name, [
        { value: JSON.stringify({ ...data, source: 'shop', time }), headers: { ce_id: `binary-${id}` } },
      ]);
    }
    for (const table of ['predictions', 'outcomes', 'comparisons', 'evidence', 'audit', 'retraining'])
      await until(`both events in ${table}`, async () => {
        const found = await stack.query<{ event_id: string; at: number }>(
          `SELECT event_id, toUnixTimestamp64Milli(time) AS at
            FROM ${table} FINAL
            WHERE endsWith(event_id, {id:String})
            ORDER BY event_id`,
          { id },
        );
        return found.length === 2 && found.every((r) => Number(r.at) === time);
      });
    const [outcome] = await stack.query(
      'SELECT source, value, request_id FROM outcomes FINAL WHERE event_id = {id:String}',
      { id },
    );
    expect(outcome).toEqual({ source: 'shop', value: '1', request_id: id });
  });
});

const VIEWS = [
  'discrepancies',
  'exposures',
  'latency_by_version',
  'prediction_outcomes',
  'rollout_timeline',
  'router_accounting',
  'shadow_accounting',
];

describe('the analyst', () => {
  it('reads with @clickhouse/client, with bound parameters, formats and settings', async () => {
    const client = createClient({
      url: stack.clickhouse.analyst,
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

  it('cannot write, in any way', async () => {
    const client = createClient({
      url: stack.clickhouse.analyst,
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
    const { stdout } = await exec('curl', ['-s', stack.clickhouse.analyst, '-d', "SELECT 1, 'a'"]);
    expect(stdout).toBe('1\ta\n');
    const json = await exec('curl', [
      '-s',
      '-G',
      stack.clickhouse.analyst,
      '--data-urlencode',
      'query=SELECT 1 AS x FORMAT JSONEachRow',
    ]);
    expect(json.stdout).toBe('{"x":1}\n');
    const ping = await exec('curl', ['-s', `${stack.clickhouse.url}/ping`]);
    expect(ping.stdout).toBe('Ok.\n');
    const parameters = await exec('curl', ['-s', `${stack.clickhouse.analyst}/?param_x=7`, '-d', 'SELECT {x:UInt8}']);
    expect(parameters.stdout).toBe('7\n');
    const error = await exec('curl', [
      '-s',
      '-w',
      '%{http_code}',
      stack.clickhouse.analyst,
      '-d',
      'SELECT * FROM nowhere',
    ]);
    expect(error.stdout).toMatch(/UNKNOWN_TABLE[\s\S]*404$/);
    const stranger = await exec('curl', [
      '-s',
      '-w',
      '%{http_code}',
      `${stack.clickhouse.url}/?user=analyst&password=wrong`,
      '-d',
      'SELECT 1',
    ]);
    expect(stranger.stdout).toMatch(/AUTHENTICATION_FAILED[\s\S]*401$/);
    const native = await exec(
      'curl',
      ['-s', `${stack.clickhouse.analyst}/?default_format=Native`, '-d', 'SELECT number FROM numbers(3)'],
      { encoding: 'buffer' },
    );
    expect(native.stdout.toString('latin1')).toContain('UInt64');
  });

  it('gets a setting for one query, and not for the next', async () => {
    const ask = async (suffix: string) =>
      (
        await exec('curl', [
          '-s',
          `${stack.clickhouse.analyst}/${suffix}`,
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
      const answer = await fetch(`${stack.clickhouse.writer.replace(/[^/]*@/, '')}/${suffix}`, {
        method: 'POST',
        body: sql,
        headers: { authorization: `Basic ${btoa(new URL(stack.clickhouse.writer).href.slice(7).split('@')[0] ?? '')}` },
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
    const { port } = new URL(stack.clickhouse.url);
    // Ends the encryption in front of the server, as a proxy does.
    const front = createServer({ cert, key }, (socket) => {
      const server = connect(Number(port), '127.0.0.1');
      for (const s of [socket, server]) s.on('error', () => undefined);
      socket.pipe(server).pipe(socket);
    });
    front.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const url = new URL(stack.clickhouse.writer);
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
  it('says of every table, view and column of our database what it means', async () => {
    const tables = await stack.query<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = 'slipway' AND comment = '' ORDER BY name",
    );
    const columns = await stack.query<{ name: string }>(
      `SELECT concat(table, '.', name) AS name FROM system.columns
       WHERE database = 'slipway' AND comment = '' ORDER BY name`,
    );
    expect([...tables, ...columns].map((without) => without.name)).toEqual([]);
    const views = await stack.query<{ text: string }>(
      `SELECT comment AS text FROM system.columns WHERE database = 'slipway' AND table = 'predictions_ingest'
        AND name = 'arrived_at'`,
    );
    expect(views).toEqual([{ text: "Kafka's clock; orders evidence" }]);
  });
});

describe('of two copies that arrive in one millisecond', () => {
  const time = Date.now();
  const id = () => randomUUID();
  it.each([
    ['evidence', topics.evidence, { rollout_id: 'ties', revision: { epoch: 1, n: 1 } }, 'sentence'],
    [
      'comparisons',
      topics.comparisons,
      { request_id: id(), rollout_id: 'ties', result: 'paired', agree: true },
      'reason',
    ],
    ['retraining', topics.retraining, { model: 'ties', data: { from: time, to: time } }, 'sentence'],
    ['audit', topics.audit, { aggregate: 'key/ties', n: 1, state: {} }, 'reason'],
  ] as const)('the first one of %s wins, and nothing else is seen of it', async (table, topic, row, column) => {
    const event_id = id();
    const copies = ['first', 'second', 'third'].map((text) => ({ ...row, event_id, time, [column]: text }));
    // One batch has one time of arrival; only their offsets say which came first.
    await producer.send(
      topic.name,
      copies.map((c) => ({ value: JSON.stringify(c) })),
      0,
    );
    const kept = () =>
      stack.query(`SELECT ${column} AS text FROM ${table} FINAL WHERE event_id = {id:String}`, { id: event_id });
    await until('a copy', async () => (await kept()).length > 0);
    expect(await kept()).toEqual([{ text: 'first' }]);
  });
});
