import { randomUUID } from 'node:crypto';
import { binOf, type FeatureProfile, measure } from '@slipway/model';
import { type PredictionRow, topics } from '@slipway/contracts';
import { HistogramStore } from '@slipway/drift-monitor/histogram.store';
import { until } from '@slipway/local';
import { createClickHouse, createKafka, createLogger, RecordProducer } from '@slipway/platform';
import { judgeDrift, judgeLoss } from '@slipway/stats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictionRow } from '../fixtures/rows.ts';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';

const WINDOW_MS = 6000;
const ROLLOUT = randomUUID();
let stack: TestStack;
let histograms: HistogramStore;
let producer: RecordProducer;
let close: () => Promise<unknown>;
let last = 0;

const numeric = (
  name: string,
  side: 'input' | 'output',
  tensor: string,
  measureOf: FeatureProfile['measure'],
  edges: number[],
): FeatureProfile => ({
  name,
  side,
  tensor,
  measure: measureOf,
  kind: 'numeric',
  edges,
  counts: new Array<number>(edges.length + 2).fill(1),
});
const FEATURES: FeatureProfile[] = [
  numeric('input.text.bytes', 'input', 'text', 'bytes', [0, 3, 10, 40]),
  numeric('input.text.words', 'input', 'text', 'words', [0, 1, 3, 6]),
  numeric('input.text.digit_share', 'input', 'text', 'digit_share', [0, 0.1, 0.5]),
  numeric('input.text.upper_share', 'input', 'text', 'upper_share', [0, 0.1, 0.5]),
  numeric('input.text.links', 'input', 'text', 'links', [0, 1]),
  numeric('input.age', 'input', 'age', 'value', [-1.5, 0, 2.5e3]),
  {
    name: 'input.colour',
    side: 'input',
    tensor: 'colour',
    measure: 'value',
    kind: 'categorical',
    categories: ['blue', 'it\'s "red"', '7'],
    counts: [1, 1, 1, 1, 1],
  },
];
const OUTPUTS: FeatureProfile[] = [
  numeric('output.p', 'output', 'p', 'value', [0.25, 0.5, 0.75]),
  {
    name: 'output.class',
    side: 'output',
    tensor: 'class',
    measure: 'value',
    kind: 'categorical',
    categories: ['0', '1'],
    counts: [1, 1, 1, 1],
  },
];

type Request = { text?: string | null; age?: number | null; colour?: string | null };
const REQUESTS: Request[] = [
  { text: 'Win $$$ NOW http://a.b https://c', age: 3, colour: 'blue' },
  { text: '', age: -2, colour: 'green' },
  { text: 'ünïcödé 漢字 "quoted" \\ back', age: 0, colour: 'it\'s "red"' },
  { text: '12345 67890\n\ttabs', age: 1e6, colour: '7' },
  { text: 'one', age: -1.5, colour: null },
  { text: null, age: null },
  {},
  { text: 'a b c d e f g h', age: 2500, colour: '' },
  { text: '1 UPPER 2', age: 2500.5, colour: 'blue' },
];
function row(request: Request, nested: boolean, change: Partial<PredictionRow> = {}): PredictionRow {
  const tensor = (name: string, x: unknown) => ({ name, shape: [1, 1], datatype: 'BYTES', data: nested ? [[x]] : [x] });
  return predictionRow({
    ...{ endpoint: 'e', rollout_id: ROLLOUT, step: 0, unit: 'u', probability: 0.5, served_version: 'm:1' },
    request: { inputs: Object.entries(request).map(([name, x]) => tensor(name, x)) },
    response: {
      outputs: [
        { name: 'p', data: [0.6] },
        { name: 'class', data: [1] },
      ],
    },
    ...change,
  });
}
/** Sends rows early in a window, and waits until that window is complete. @returns its number */
async function inOneWindow(rows: PredictionRow[]): Promise<number> {
  await until('the beginning of a window', () => Date.now() % WINDOW_MS < WINDOW_MS / 4, 10_000, 10);
  const window = Math.floor(Date.now() / WINDOW_MS);
  for (let i = 0; i < rows.length; i += 300)
    await producer.send(topics.predictions.name, [
      {
        value: rows
          .slice(i, i + 300)
          .map((r) => JSON.stringify(r))
          .join('\n'),
      },
    ]);
  await until('the window to be complete', async () => (await histograms.lastWindow()) >= window, 30_000);
  return window;
}

beforeAll(async () => {
  stack = await startTestStack('drift', { counts: { registries: 0, routers: 0, workers: 0 } });
  const clickhouse = createClickHouse(stack.clickhouse.writer);
  producer = new RecordProducer(
    createKafka('test', stack.kafkaBrokers.split(','), createLogger('test', 'test', 'silent')),
  );
  histograms = new HistogramStore(clickhouse, WINDOW_MS);
  close = () => Promise.all([producer.close(), clickhouse.close()]);
});
afterAll(async () => {
  await close?.();
  await stack?.end();
});

describe('live windows, binned inside ClickHouse', () => {
  it('fall into the bins of the reference profile exactly as in TypeScript, whatever is in the request', async () => {
    last = await inOneWindow(REQUESTS.flatMap((r) => [row(r, false), row(r, true)]));
    const [window] = await histograms.againstReference('e', FEATURES, last, 1);
    for (const feature of FEATURES) {
      const expected = new Array<number>(feature.counts.length).fill(0);
      for (const r of REQUESTS) {
        const bin = binOf(
          feature,
          measure(feature.measure, (r as Record<string, string | number | null>)[feature.tensor]),
        );
        expected[bin] = (expected[bin] as number) + 2;
      }
      expect(window?.features.find((f) => f.feature === feature.name)?.current, feature.name).toEqual(expected);
    }
  });
  it('leave out errors, other endpoints and other versions', async () => {
    const [before] = await histograms.againstReference('e', OUTPUTS, last, 1, 'm:1');
    expect(before?.features.map((f) => f.current)).toEqual([
      [0, 0, 18, 0, 0],
      [0, 18, 0, 0],
    ]);
    expect((await histograms.againstReference('e', OUTPUTS, last, 1, 'm:2'))[0]?.features[0]?.current).toEqual([
      0, 0, 0, 0, 0,
    ]);
    expect((await histograms.againstReference('other', OUTPUTS, last, 1))[0]?.features[0]?.current).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });
});

describe('what moved', () => {
  it('the model, when the candidate answers differently on the same traffic; the data have not', async () => {
    const answered = (arm: 'control' | 'candidate', i: number) =>
      row({ text: `mail ${i % 7}`, age: i % 10 }, false, {
        endpoint: 'm',
        assigned_arm: arm,
        served_version: arm === 'control' ? 'm:1' : 'm:2',
        response: {
          outputs: [
            { name: 'p', data: [(arm === 'control' ? i % 100 : (i % 100) / 2) / 100] },
            { name: 'class', data: [arm === 'control' ? i % 2 : Number(i % 10 === 0)] },
          ],
        },
      });
    const rows = () => Array.from({ length: 300 }, (_, i) => [answered('control', i), answered('candidate', i)]).flat();
    for (let w = 0; w < 2; w++) last = await inOneWindow(rows());
    const arms = judgeDrift(await histograms.betweenArms('m', ROLLOUT, OUTPUTS, last, 3));
    expect(arms).toMatchObject({ state: 'moved', moved: ['output.p', 'output.class'] });
    const inputs = [numeric('input.age', 'input', 'age', 'value', [1.5, 4.5, 7.5])].map((f) => ({
      ...f,
      counts: [200, 300, 300, 200, 0],
    }));
    expect(judgeDrift(await histograms.againstReference('m', inputs, last, 3)).state).toBe('stable');
    expect(
      judgeDrift(
        await histograms.againstReference(
          'm',
          [{ ...(inputs[0] as FeatureProfile), counts: [700, 100, 100, 100, 0] }],
          last,
          3,
        ),
      ).state,
    ).toBe('moved');
  });
  it('the labels, counted against what the version said', async () => {
    const requests = await stack.query<{ id: string; class: string }>(
      `SELECT request_id AS id, outputs['class'] AS class
        FROM predictions FINAL
        WHERE endpoint = 'm' AND assigned_arm = 'control'`,
    );
    const outcomes = requests.map((r, i) => ({
      event_id: randomUUID(),
      type: 'slipway.outcome.v1',
      source: 't',
      time: Date.now(),
      endpoint: 'm',
      name: 'label',
      value: i % 5 === 0 ? 1 - Number(r.class) : Number(r.class),
      unit: '',
      request_id: r.id,
    }));
    await until('the beginning of a window', () => Date.now() % WINDOW_MS < WINDOW_MS / 4, 10_000, 10);
    const window = Math.floor(Date.now() / WINDOW_MS);
    await producer.send(topics.outcomes.name, [{ value: outcomes.map((o) => JSON.stringify(o)).join('\n') }]);
    await until('the window to be complete', async () => (await histograms.lastWindow()) >= window, 30_000);
    const losses = await histograms.losses('m', 'm:1', 'label', 'class', window, 3);
    expect(losses.at(-1)).toEqual({ rows: 600, errors: 120 });
    expect(
      judgeLoss(
        { rows: 300, errors: 6 },
        [...losses.slice(0, 1), losses.at(-1), losses.at(-1)].filter((l) => l !== undefined),
      ),
    ).toMatchObject({ state: 'lost' });
  });
});
