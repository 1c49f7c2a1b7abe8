import { randomUUID } from 'node:crypto';
import { type PredictionRow, topics } from '@slipway/contracts';
import { type Rollout } from '@slipway/release';
import { until } from '@slipway/local';
import { AnalyserLoop, createLogger, RecordProducer } from '@slipway/platform';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of clickhouse.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { TestStack } from '../fixtures/stack.ts';

type Context = { stack: TestStack; producer: RecordProducer };
type Rows = {
  prediction: (change?: Partial<PredictionRow>) => PredictionRow;
  send: (lines: (object | string)[]) => Promise<unknown>;
  landed: (id: string) => Promise<Record<string, unknown> | undefined>;
};

/** Rows on every topic from all kinds of senders; part of the suite of ClickHouse, on its stack. */
export function describeRows(context: () => Context, { prediction, send, landed }: Rows): void {
  describe('rows of other senders, and their columns', () => {
    it('keeps all elements of an output: a list as JSON, of a long one the first ones and their number', async () => {
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

    it('accepts evidence of any size: numbers beyond 64 bits do not make a dead letter', async () => {
      const id = randomUUID();
      const numbers = { e: 233_364_846_806_029_240_000 };
      const loop = new AnalyserLoop({
        analyser: 'experiment-stats',
        look: async () => ({ verdict: 'rollBack', reasons: [], sentence: 'a lot', numbers }),
        producer: context().producer,
        log: createLogger('test', 'test', 'silent'),
        source: 'test',
        lookMs: 60_000,
        expiryMs: 1000,
      });
      const spec = { endpoint: 'spam', steps: [{ canary: { weight: 0.5 } }] };
      const visits = [{ step: 0, active_at: 1 }];
      const revision = { epoch: 1, n: 1 };
      loop.apply(id, { id, revision, status: 'running', alpha: 0.05, step: 0, spec, visits } as unknown as Rollout);
      loop.start();
      const found = () =>
        context().stack.query<{ numbers: string }>(
          `SELECT numbers FROM evidence WHERE rollout_id = '${id}' UNION ALL
           SELECT reason FROM dead_letters WHERE position(raw, '${id}') > 0`,
        );
      await until('the evidence', async () => (await found()).length > 0);
      await loop.close();
      expect((await found()).map((r) => JSON.parse(r.numbers))).toEqual([numbers]);
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
        endpoint: 'spam',
        rollout_id: 'r',
        result: 'paired',
        agree: true,
      };
      const rows: [{ name: string }, string, object][] = [
        [topics.predictions, 'slipway.prediction.v1', served],
        [
          topics.outcomes,
          'slipway.outcome.v1',
          { endpoint: 'spam', name: 'label', value: 1, unit: '', request_id: id },
        ],
        [topics.comparisons, 'slipway.comparison.v1', comparison],
        [topics.evidence, 'slipway.evidence.v1', { rollout_id: 'r', revision: { epoch: 1, n: 1 } }],
        [topics.audit, 'slipway.audit.v1', { aggregate: 'rollout/r', n: 1 }],
        [topics.retraining, 'slipway.retraining.v1', { model: 'spam' }],
      ];
      for (const [topic, type, data] of rows) {
        await context().producer.send(topic.name, [{ value: event(type, data) }]);
        await context().producer.send(topic.name, [
          { value: JSON.stringify({ ...data, source: 'shop', time }), headers: { ce_id: `binary-${id}` } },
        ]);
      }
      for (const table of ['predictions', 'outcomes', 'comparisons', 'evidence', 'audit', 'retraining'])
        await until(`both events in ${table}`, async () => {
          const found = await context().stack.query<{ event_id: string; at: number }>(
            `SELECT event_id, toUnixTimestamp64Milli(time) AS at
              FROM ${table} FINAL
              WHERE endsWith(event_id, {id:String})
              ORDER BY event_id`,
            { id },
          );
          return found.length === 2 && found.every((r) => Number(r.at) === time);
        });
      const [outcome] = await context().stack.query(
        'SELECT source, value, request_id FROM outcomes FINAL WHERE event_id = {id:String}',
        { id },
      );
      expect(outcome).toEqual({ source: 'shop', value: '1', request_id: id });
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
        { request_id: id(), endpoint: 'spam', rollout_id: 'ties', result: 'paired', agree: true },
        'reason',
      ],
      ['retraining', topics.retraining, { model: 'ties', data: { from: time, to: time } }, 'sentence'],
      ['audit', topics.audit, { aggregate: 'key/ties', n: 1, state: {} }, 'reason'],
    ] as const)('the first one of %s is kept, and nothing else is visible of it', async (table, topic, row, column) => {
      const event_id = id();
      const copies = ['first', 'second', 'third'].map((text) => ({ ...row, event_id, time, [column]: text }));
      // One batch has one time of arrival; only offsets give the order.
      await context().producer.send(
        topic.name,
        copies.map((c) => ({ value: JSON.stringify(c) })),
        0,
      );
      const kept = () =>
        context().stack.query(`SELECT ${column} AS text FROM ${table} FINAL WHERE event_id = {id:String}`, {
          id: event_id,
        });
      await until('a copy', async () => (await kept()).length > 0);
      expect(await kept()).toEqual([{ text: 'first' }]);
    });
  });
}
