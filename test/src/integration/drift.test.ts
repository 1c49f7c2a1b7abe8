import { randomUUID } from 'node:crypto';
import { columnOf, countBins, type FeatureProfile } from '@slipway/model';
import { type PredictionRow, topics } from '@slipway/contracts';
import { HistogramStore } from '@slipway/drift-monitor/histogram.store';
import { LabelStore } from '@slipway/drift-monitor/label.store';
import { againstReference, betweenArms, type Group } from '@slipway/drift-monitor/slices';
import { until } from '@slipway/local';
import { type ClickHouseClient, createClickHouse, createKafka, createLogger, RecordProducer } from '@slipway/platform';
import { judgeDrift, judgeLoss } from '@slipway/stats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { predictionRow } from '../fixtures/rows.ts';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';

const WINDOW_MS = 6000;
const ROLLOUT = randomUUID();
let stack: TestStack;
let histograms: HistogramStore;
let labels: LabelStore;
let producer: RecordProducer;
let clickhouse: ClickHouseClient;
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
  element: 0,
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
    measure: 'code',
    element: 0,
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
    element: 0,
    kind: 'categorical',
    categories: ['0', '1'],
    counts: [1, 1, 1, 1],
  },
];

const WIDE: FeatureProfile[] = Array.from({ length: 256 }, (_, i) => ({
  ...numeric(
    `input.x[${i}]`,
    'input',
    'x',
    'value',
    Array.from({ length: 9 }, (_, e) => i + (e + 1) / 10),
  ),
  element: i,
}));

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
  const tensor = (name: string, x: unknown) => ({
    ...{ name, shape: [1, 1], datatype: name === 'age' ? 'FP32' : 'BYTES', data: nested ? [[x]] : [x] },
  });
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
  clickhouse = createClickHouse(stack.clickhouse.writer);
  producer = new RecordProducer(
    createKafka('test', stack.kafkaBrokers.split(','), createLogger('test', 'test', 'silent')),
  );
  histograms = new HistogramStore(clickhouse, WINDOW_MS);
  labels = new LabelStore(clickhouse, WINDOW_MS);
  close = () => Promise.all([producer.close(), clickhouse.close()]);
});
afterAll(async () => {
  await close?.();
  await stack?.end();
});

const ROWS = REQUESTS.flatMap((r) => [row(r, false), row(r, true)]);

/** What the last windows counted, against the features' own counts. */
async function windows(endpoint: string, features: readonly FeatureProfile[], n: number, of?: (g: Group) => boolean) {
  const span = histograms.span(last, n);
  return againstReference(features, await histograms.read(endpoint, features, span), span, of);
}
const counts = async (...of: Parameters<typeof windows>) =>
  (await windows(...of)).map((w) => w.features.map((f) => f.current));

describe('live windows, binned inside ClickHouse', () => {
  const inBins = (f: FeatureProfile, of: readonly PredictionRow[]) =>
    countBins(
      f,
      of.map(({ features }) => features[columnOf(f.side, f.tensor, f.measure)]?.[f.element] ?? null),
    );
  const ofVersion = (version: string) => (g: Group) => g.served_version === version;

  it('fall into the bins of the reference profile exactly as in TypeScript, whatever is in the request', async () => {
    const elements = WIDE.map((_, i) => i + 0.55);
    last = await inOneWindow([...ROWS, row({}, false, { endpoint: 'wide', features: { 'input.x': elements } })]);
    // A request without inputs tells nothing, and is left out.
    const told = ROWS.filter((r) => Object.keys(r.features).some((k) => k.startsWith('input.')));
    expect([ROWS.length, told.length]).toEqual([18, 16]);
    for (const [i, found] of ((await counts('e', FEATURES, 1))[0] ?? []).entries())
      expect(found, FEATURES[i]?.name).toEqual(inBins(FEATURES[i] as FeatureProfile, told));
  });
  it('leave out errors, other endpoints and other versions', async () => {
    expect(await counts('e', OUTPUTS, 1, ofVersion('m:1'))).toEqual([OUTPUTS.map((f) => inBins(f, ROWS))]);
    const none = [OUTPUTS.map((f) => f.counts.map(() => 0))];
    expect(await counts('e', OUTPUTS, 1, ofVersion('m:2'))).toEqual(none);
    expect(await counts('other', OUTPUTS, 1)).toEqual(none);
  });
  it('are hundreds of features in one query', async () => {
    const [found] = await counts('wide', WIDE, 1);
    expect(found?.every((c) => c[5] === 1 && c.reduce((a, b) => a + b) === 1)).toBe(true);
  });
});

describe('what moved', () => {
  it('the model, when the candidate answers differently on the same traffic; the data have not moved', async () => {
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
    // With a copy of a row that arrived before: it counts once, there.
    for (let w = 0; w < 2; w++) last = await inOneWindow([...rows(), ROWS[0] as PredictionRow]);
    const span = histograms.span(last, 3);
    const slices = await histograms.read('m', OUTPUTS, span);
    const arms = judgeDrift(
      betweenArms(OUTPUTS, slices, span, { rollout: ROLLOUT, control: 'control', arm: 'candidate' }),
    );
    expect(arms).toMatchObject({ state: 'moved', moved: ['output.p', 'output.class'] });
    const inputs = [numeric('input.age', 'input', 'age', 'value', [1.5, 4.5, 7.5])].map((f) => ({
      ...f,
      counts: [200, 300, 300, 200, 0],
    }));
    expect(judgeDrift(await windows('m', inputs, 3)).state).toBe('stable');
    const elsewhere = [{ ...(inputs[0] as FeatureProfile), counts: [700, 100, 100, 100, 0] }];
    expect(judgeDrift(await windows('m', elsewhere, 3)).state).toBe('moved');
  });
  it('no row twice: a copy that arrives later is none, and a process that starts anew counts none again', async () => {
    const of = (h: HistogramStore, n: number) => h.read('e', FEATURES, h.span(last, n));
    const before = [...(await of(histograms, 10)).values()].flatMap((s) => s.groups);
    expect(before.reduce((n, g) => n + g.rows, 0)).toBe(ROWS.length);
    const fresh = new HistogramStore(clickhouse, WINDOW_MS);
    expect([...(await of(fresh, 10)).values()].flatMap((s) => s.groups)).toEqual(before);
    const [{ n } = { n: 0 }] = await stack.query<{ n: number }>(
      `SELECT max(n) AS n FROM
        (SELECT count() AS n FROM drift_counts GROUP BY endpoint, bins, slice, served_version, arm)`,
    );
    expect(n).toBe(1);
  });
  it("the labels, compared with the version's answers", async () => {
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
    const losses = await labels.losses('m', 'm:1', 'label', 'class', window, 3);
    expect(losses.at(-1)).toEqual({ rows: 600, errors: 120 });
    expect(
      judgeLoss(
        { rows: 300, errors: 6 },
        [...losses.slice(0, 1), losses.at(-1), losses.at(-1)].filter((l) => l !== undefined),
      ),
    ).toMatchObject({ state: 'lost' });
  });
});
