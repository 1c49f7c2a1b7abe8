import { randomUUID } from 'node:crypto';
import { type PredictionRow, rows, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { columnsOf, createKafka, createLogger, RecordProducer } from '@slipway/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictionRow } from '../fixtures/rows.ts';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';
import { describeIngestWatch } from './clickhouse-ingest-watch.ts';
import { describeMigrations } from './clickhouse-migrations.ts';
import { describeReaders } from './clickhouse-readers.ts';
import { describeRows } from './clickhouse-rows.ts';

let stack: TestStack;
let producer: RecordProducer;

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

const prediction = (change: Partial<PredictionRow> = {}): PredictionRow =>
  predictionRow({
    ...{ rollout_id: 'r', step: 0, unit: 'u', probability: 0.9, latency_us: 1500, settled_us: 1400 },
    ...{ queue_us: 10, compute_us: 20, cost: 0.5, router: 'r1', boot: 'b' },
    request: { inputs: [] },
    response: {
      outputs: [
        { name: 'class', data: [1] },
        { name: 'label', data: ['spam'] },
      ],
    },
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

  it('rejects an invalid row with its reason, without affecting the others of its record', async () => {
    const before = prediction();
    const after = prediction();
    const { event_id: _, ...nameless } = prediction();
    await send([
      before,
      '{"event_id": "broken',
      '[1,2]',
      nameless,
      prediction({ probability: 1.5 }),
      prediction({ status: 70_000 }),
      prediction({ time: 1 }),
      prediction({ reason: '' }),
      JSON.stringify(prediction()).replace('"probability":0.9', '"probability":"much"'),
      after,
    ]);
    await until(
      'the good rows',
      async () => (await landed(before.event_id)) !== undefined && (await landed(after.event_id)) !== undefined,
    );
    await until('eight dead letters', async () => (await stack.query('SELECT * FROM dead_letters FINAL')).length === 8);
    const reasons = (
      await stack.query<{ reason: string; topic: string }>('SELECT reason, topic FROM dead_letters FINAL')
    )
      .map((r) => `${r.topic} ${r.reason.split(':')[0]}`)
      .sort();
    expect(reasons).toEqual(
      ['not JSON', 'not a JSON object', 'event_id', 'probability', 'probability', 'reason', 'status', 'time']
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
    const row = prediction({ rollout_id: 'joined', unit: 'someone' });
    await send([row]);
    await until('the row', async () => (await landed(row.event_id)) !== undefined);
    // A rollout's arms are those that its first audit row says.
    const state = { control: { model: 'spam', version: 1 }, spec: { candidate: { model: 'spam', version: 2 } } };
    const created = { event_id: randomUUID(), time: Date.now(), aggregate: 'rollout/joined', n: 1, action: 'create' };
    await producer.send(topics.audit.name, [{ value: JSON.stringify({ ...created, state }) }]);
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

  it('takes what an enumeration does not know as it is, and counts it', async () => {
    const rows = [prediction({ reason: 'chance' }), prediction({ reason: 'chance', assigned_arm: 'challenger' })];
    await send(rows);
    for (const { event_id, reason, assigned_arm } of rows) {
      await until('the row', async () => (await landed(event_id)) !== undefined);
      expect(await landed(event_id)).toMatchObject({ reason, assigned_arm });
    }
    const unknown = await stack.query(
      'SELECT `table`, `column`, value, rows FROM unknown_values ORDER BY `column`, value',
    );
    expect(unknown).toEqual([
      { table: 'predictions', column: 'assigned_arm', value: 'challenger', rows: 1 },
      { table: 'predictions', column: 'reason', value: 'chance', rows: 2 },
    ]);
  });

  it('refuses a value of another type where it decides something, and counts it where it does not', async () => {
    const row = prediction({ unit: 42 as never, queue_us: 'long' as never, compute_us: -1, batch_size: 1.5 });
    const refused = [{ latency_us: 'slow' }, { sequence: -1 }, { step: 70_000 }, { unit: ['u'] }, { outputs: 'spam' }];
    await send([...refused.map((change) => ({ ...prediction(), ...change, source: 'mistaken' })), row]);
    await until('the row', async () => (await landed(row.event_id)) !== undefined);
    expect(await landed(row.event_id)).toMatchObject({ unit: '42', queue_us: 0, compute_us: 0 });
    const reasons = await stack.query<{ reason: string }>(
      `SELECT reason FROM dead_letters FINAL WHERE position(raw, '"mistaken"') > 0 ORDER BY reason`,
    );
    expect(reasons.map((r) => r.reason)).toEqual([
      'latency_us: must be an integer from 0 on',
      'outputs: must be an object',
      'sequence: must be an integer from 0 on',
      'step: must be an integer from -1 to 32767',
      'unit: must be a string',
    ]);
    expect(
      await stack.query(`SELECT \`column\`, value FROM unknown_values
        WHERE \`table\` = 'predictions' AND \`column\` NOT IN ('assigned_arm', 'reason') ORDER BY \`column\``),
    ).toEqual([
      { column: 'batch_size', value: '1.5' },
      { column: 'compute_us', value: '-1' },
      { column: 'queue_us', value: '"long"' },
      { column: 'unit', value: '42' },
    ]);
  });

  it('takes a row that says only what it has to, and what is left out is as declared', async () => {
    const least = { event_id: randomUUID(), request_id: 'q', endpoint: 'spam', time: Date.now() };
    await send([{ ...least, assigned_arm: 'control', probability: 1, reason: 'rule', status: 200, latency_us: 7 }]);
    await until('the row', async () => (await landed(least.event_id)) !== undefined);
    expect(await landed(least.event_id)).toMatchObject({
      ...{ protocol: 'oip', branch: 'main', rollout_id: '', step: -1, outputs: {}, cost: 0, settled_us: 7 },
      ...{ shadow_rollout_id: '', shadow_step: -1, unit: '', request: '', sequence: 0 },
    });
  });

  it.each(rows.map((row) => [row.table, row] as const))('has in %s the columns that are declared', async (_, row) => {
    const columns = await stack.query<{ name: string; type: string; comment: string }>(
      `SELECT name, type, comment FROM system.columns WHERE database = 'slipway' AND table = {table:String}
       ORDER BY position`,
      { table: row.table },
    );
    expect(columns).toEqual(columnsOf(row).map(({ name, type, comment }) => ({ name, type, comment })));
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

describeReaders(() => stack);
describeRows(() => ({ stack, producer }), { prediction, send, landed });
describeMigrations(() => stack, { prediction, send, landed });
describeIngestWatch(() => stack, { prediction, send, landed });
