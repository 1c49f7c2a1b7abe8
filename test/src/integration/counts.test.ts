import { randomUUID } from 'node:crypto';
import {
  builtInMetrics,
  type Metric,
  metricSchema,
  type PredictionRow,
  type Rollout,
  rolloutSpecSchema,
  topics,
} from '@slipway/contracts';
import { type AsOf, CountsStore } from '@slipway/experiment-stats/counts.store';
import { until } from '@slipway/local';
import { createClickHouse, createKafka, createLogger, RecordProducer } from '@slipway/platform';
import type { CountCell } from '@slipway/stats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';

let stack: TestStack;
let counts: CountsStore;
let all: AsOf;
let close: () => Promise<unknown>;
let send: (topic: string, rows: object[]) => Promise<unknown>;

const START = Date.now();
const rollout: Rollout = {
  id: randomUUID(),
  revision: { epoch: 1, n: 3 },
  control: { model: 'spam', version: 1 },
  metrics: [...builtInMetrics],
  alpha: 0.05,
  status: 'running',
  step: 1,
  weight: 0.5,
  visits: [],
  created_at: START,
  created_by: 'op',
  started_at: START,
  ended_at: null,
  reason: '',
  evidence_id: null,
  withdrawal: null,
  spec: rolloutSpecSchema.parse({
    endpoint: 'spam',
    candidate: { model: 'spam', version: 2 },
    unit: 'user',
    steps: [{ canary: { weight: 0.25 } }, { canary: { weight: 0.5 } }, { switch: {} }],
  }),
};
const metric = (change: object = {}): Metric =>
  metricSchema.parse({
    name: 'misfiled',
    kind: 'proportion',
    source: { outcome: 'label', compare: { differs_from: 'class' } },
    direction: 'lower',
    ...change,
  });

/** One prediction; the assignment probability follows from step and arm. */
function prediction(
  unit: string,
  arm: 'control' | 'candidate',
  step: number,
  change: Partial<PredictionRow> = {},
): PredictionRow {
  const weight = step === 0 ? 0.25 : 0.5;
  return {
    event_id: randomUUID(),
    type: 'slipway.prediction.v1',
    source: 'test',
    time: Date.now(),
    request_id: randomUUID(),
    endpoint: 'spam',
    rollout_id: rollout.id,
    step,
    route_revision: `1.${step + 1}`,
    unit,
    assigned_arm: arm,
    probability: arm === 'candidate' ? weight : 1 - weight,
    reason: 'randomised',
    served_version: arm === 'candidate' ? 'spam:2' : 'spam:1',
    fallback_from: '',
    status: 200,
    error_code: '',
    latency_us: 1000,
    queue_us: 0,
    compute_us: 0,
    batch_size: 1,
    price: 0,
    shadow_rollout_id: '',
    shadow_step: -1,
    trace_id: '',
    request: null,
    response: { outputs: [{ name: 'class', data: [1] }] },
    router: 'r',
    boot: 'b',
    sequence: 0,
    ...change,
  };
}
const outcome = (value: unknown, change: object) => ({
  event_id: randomUUID(),
  type: 'slipway.outcome.v1',
  source: 't',
  time: Date.now(),
  endpoint: 'spam',
  name: 'label',
  value,
  unit: '',
  request_id: '',
  ...change,
});
/** Events by share of the candidate, over all seconds. */
const sums = (cells: CountCell[]) =>
  Object.fromEntries(
    [...new Set(cells.map((c) => c.weight))]
      .sort()
      .map((w) => [
        w,
        cells
          .filter((c) => c.weight === w)
          .reduce(([a, b], c) => [(a as number) + c.control, (b as number) + c.candidate], [0, 0]),
      ]),
  );

const P = {
  plain: prediction('a', 'control', 0),
  repeatFails: [
    prediction('b', 'candidate', 0, { status: 500 }),
    prediction('b', 'candidate', 0, { status: 500 }),
    prediction('b', 'candidate', 0),
  ],
  fallback: prediction('c', 'candidate', 0, { served_version: 'spam:1', fallback_from: 'spam:2' }),
  ejected: prediction('d', 'candidate', 0, { served_version: 'spam:1', fallback_from: 'spam:2', reason: 'ejected' }),
  // crosses arms by the ramp: counts in each step by its arm there
  ramp: [prediction('e', 'control', 0, { status: 400 }), prediction('e', 'candidate', 1, { status: 500 })],
  notExposed: [
    prediction('f', 'candidate', 0, { reason: 'forced', status: 500 }),
    prediction('', 'control', 0, { reason: 'no_unit', status: 500 }),
    prediction('g', 'control', 0, { reason: 'lease_expired', status: 500 }),
  ],
  another: prediction('h', 'candidate', 0, { rollout_id: randomUUID(), status: 500 }),
  right: prediction('i', 'candidate', 1),
  wrong: prediction('j', 'control', 1),
  noOutput: prediction('k', 'candidate', 1, { response: 'an error' }),
  user: prediction('l', 'candidate', 1),
};

beforeAll(async () => {
  stack = await startTestStack('counts', { counts: { registries: 0, routers: 0, workers: 0 } });
  const producer = new RecordProducer(
    createKafka('test', stack.kafkaBrokers.split(','), createLogger('test', 'test', 'silent')),
  );
  const clickhouse = createClickHouse(stack.clickhouse.writer);
  counts = new CountsStore(clickhouse);
  close = () => Promise.all([producer.close(), clickhouse.close()]);
  send = (topic, rows) => producer.send(topic, [{ value: rows.map((r) => JSON.stringify(r)).join('\n') }]);
  const rows = Object.values(P).flat();
  // every row twice: a repeat counts once
  for (const _ of [1, 2]) await send(topics.predictions.name, rows);
  await until(
    'the predictions',
    async () =>
      (await stack.query<{ n: number }>('SELECT uniqExact(event_id) AS n FROM predictions'))[0]?.n === rows.length,
  );
  const outcomes = [
    outcome(1, { request_id: P.right.request_id }),
    outcome(0, { request_id: P.wrong.request_id }),
    outcome(0, { request_id: P.wrong.request_id }),
    outcome(0, { request_id: P.noOutput.request_id }),
    outcome(0, { unit: 'l' }),
    outcome(0, { request_id: P.another.request_id }),
    outcome(0, { request_id: 'of nobody' }),
    outcome(0, { request_id: P.right.request_id, time: Date.now() + 2 * 3_600_000 }),
  ];
  await send(topics.outcomes.name, outcomes);
  await until(
    'the outcomes',
    async () =>
      (await stack.query<{ n: number }>('SELECT uniqExact(event_id) AS n FROM outcomes'))[0]?.n === outcomes.length,
  );
  all = await counts.asOf(rollout);
});
afterAll(async () => {
  await close?.();
  await stack?.end();
});

describe('the sufficient statistics of a rollout', () => {
  it('count every unit once per stratum, by its arm there; forced, unassigned and lease-expired requests are no exposures', async () => {
    expect(sums(await counts.exposures(rollout, all))).toEqual({ 0.25: [2, 3], 0.5: [1, 4] });
  });
  it('count the first error of a unit, fallbacks and ejections as errors of the assigned arm', async () => {
    const { cells, events } = await counts.errors(rollout, all);
    expect(sums(cells)).toEqual({ 0.25: [1, 3], 0.5: [0, 1] });
    expect(events).toEqual({ control: 0, candidate: 1 });
  });
  it('total requests and units of the present step, and find units in both arms within one revision', async () => {
    expect(await counts.totals(rollout, all)).toEqual({
      control: { requests: 1, units: 1 },
      candidate: { requests: 4, units: 4 },
      crossed: 0,
    });
    expect(await counts.totals({ ...rollout, step: 0 }, all)).toMatchObject({ candidate: { requests: 5, units: 3 } });
  });
  it('join outcomes by request or by unit, within the window; what cannot be compared is not observed', async () => {
    const { cells, step } = await counts.outcomes(rollout, all, metric());
    // j was filed wrongly (two outcomes of one unit are one), l by its unit; i was right; k has no class
    expect(step).toEqual({ control: { units: 1, events: 1 }, candidate: { units: 2, events: 1 } });
    expect(sums(cells)).toEqual({ 0.5: [1, 1] });
  });
  it('count the opposite comparison, and plain values, for metrics declared so', async () => {
    expect(
      (await counts.outcomes(rollout, all, metric({ source: { outcome: 'label', compare: { equals: 'class' } } }))).step
        .candidate.events,
    ).toBe(1);
    expect((await counts.outcomes(rollout, all, metric({ source: { outcome: 'label' } }))).step).toEqual({
      control: { units: 1, events: 0 },
      candidate: { units: 3, events: 1 },
    });
  });
  it('cut the latency into buckets, with the margin on the side of the candidate', async () => {
    const edges: [number, number, number] = [900, 1500, 3000];
    const at = async (margin: number) =>
      (await counts.latency(rollout, all, { edges, masses: [0.5, 0.4, 0.09, 0.01] }, margin)).reduce(
        (sum, c) => sum.map((n, b) => n + (c.candidate[b] as number)),
        [0, 0, 0, 0],
      );
    expect(await at(1)).toEqual([0, 7, 0, 0]);
    expect(await at(1.2)).toEqual([7, 0, 0, 0]);
  });
  it('are those of the rows that a look had seen, whatever has come since', async () => {
    await send(topics.predictions.name, [prediction('late', 'candidate', 1)]);
    await until(
      'a row that came later',
      async () =>
        (await stack.query<{ n: number }>("SELECT count() AS n FROM predictions WHERE unit = 'late'"))[0]?.n === 1,
    );
    expect(sums(await counts.exposures(rollout, all))).toEqual({ 0.25: [2, 3], 0.5: [1, 4] });
    expect(sums(await counts.exposures(rollout, await counts.asOf(rollout)))).toEqual({ 0.25: [2, 3], 0.5: [1, 5] });
    expect(sums(await counts.exposures(rollout, { ...all, predictions: {} }))).toEqual({});
    expect((await counts.outcomes(rollout, { ...all, outcomes: {} }, metric())).cells).toEqual([]);
  });
  it('say nothing where there is nothing', async () => {
    const none = { ...rollout, id: randomUUID() };
    expect(await counts.exposures(none, all)).toEqual([]);
    expect(await counts.totals(none, all)).toEqual({
      control: { requests: 0, units: 0 },
      candidate: { requests: 0, units: 0 },
      crossed: 0,
    });
    expect(await counts.baseline(none, all)).toBeNull();
    expect(await counts.candidateQuantiles(none, all)).toBeNull();
  });
});
