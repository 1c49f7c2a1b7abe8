import { randomUUID } from 'node:crypto';
import { topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import type { RecordProducer } from '@slipway/platform';
import { predictionRow } from '../fixtures/rows.ts';
import { GOOD, type Release } from '../fixtures/release.ts';
import { quantile } from './load.ts';
import { add, say } from './report.ts';
import { BODY } from './requests.ts';

const benchRow = () => predictionRow({ source: 'bench', unit: 'u', reason: 'rule', request: JSON.parse(BODY) });

export async function rows(release: Release, producer: RecordProducer): Promise<void> {
  say('\nFrom an event on Kafka to a row in ClickHouse (1.7 KB rows)');
  const count = async () =>
    (await release.query<{ n: number }>("SELECT count() AS n FROM predictions WHERE source = 'bench'"))[0]?.n ?? 0;
  const total = 60_000;
  const chunk = 400;
  const began = performance.now();
  for (let sent = 0; sent < total; sent += chunk * 4)
    await Promise.all(
      [0, 1, 2, 3].map(() =>
        producer.send(topics.predictions.name, [
          { value: Array.from({ length: chunk }, () => JSON.stringify(benchRow())).join('\n') },
        ]),
      ),
    );
  await until('every row', async () => (await count()) >= total, 120_000, 20);
  add('rows, written, sent, parsed and readable', total / ((performance.now() - began) / 1000), '/s');
  const visible: number[] = [];
  for (let i = 0; i < 60; i++) {
    const row = benchRow();
    const at = performance.now();
    await producer.send(topics.predictions.name, [{ value: JSON.stringify(row) }]);
    await until(
      'the row',
      async () =>
        (await release.query('SELECT 1 FROM predictions WHERE event_id = {id:String}', { id: row.event_id })).length >
        0,
      20_000,
      5,
    );
    visible.push(performance.now() - at);
  }
  visible.sort((a, b) => a - b);
  add('one row: visible after, p50', quantile(visible, 0.5), 'ms', `p99 ${quantile(visible, 0.99).toFixed(0)} ms`);
}

export async function comparator(release: Release, producer: RecordProducer): Promise<void> {
  say('\nshadow-comparator');
  const { id } = await release.operator.rollouts.create({
    endpoint: 'spam',
    candidate: { model: 'spam', version: GOOD },
    steps: [{ shadow: { maxExcessDisagreement: '99%', until: { pairs: 10_000_000 } } }],
  });
  await release.operator.rollouts.command({ id }, { command: 'start', reason: 'bench' });
  const total = 20_000;
  const answer = (p: number) => ({
    outputs: [
      { name: 'probability', datatype: 'FP32', shape: [1, 1], data: [p] },
      { name: 'class', datatype: 'INT64', shape: [1, 1], data: [Math.round(p)] },
    ],
  });
  const pairs = Array.from({ length: total }, (_, i) => ({
    event_id: randomUUID(),
    time: Date.now(),
    request_id: randomUUID(),
    endpoint: 'spam',
    rollout_id: id,
    step: 0,
    control: answer(Math.random()),
    candidate: answer(Math.random()),
    noise: i % 10 === 0 ? answer(0.5) : null,
  }));
  const began = performance.now();
  for (let i = 0; i < total; i += 1000)
    await producer.send(
      topics.shadowPairs.name,
      pairs.slice(i, i + 1000).map((p) => ({ key: p.request_id, value: JSON.stringify(p) })),
    );
  await until(
    'every comparison',
    async () =>
      (
        await release.query<{ n: number }>('SELECT count() AS n FROM comparisons WHERE rollout_id = {id:String}', {
          id,
        })
      )[0]?.n === total,
    120_000,
    20,
  );
  add('pairs, sent, compared, published and readable', total / ((performance.now() - began) / 1000), '/s');
  await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'bench' });
}
