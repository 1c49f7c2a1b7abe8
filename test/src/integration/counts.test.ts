import { randomUUID } from 'node:crypto';
import { builtInMetrics, type Metric, metricSchema, type Rollout, rolloutSpecSchema } from '@slipway/release';
import { type PredictionRow, topics } from '@slipway/contracts';
import type { AsOf } from '@slipway/experiment-stats/as-of';
import { until } from '@slipway/local';
import { type ClickHouseClient, createClickHouse, createKafka, createLogger, RecordProducer } from '@slipway/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Looks } from '../fixtures/looks.ts';
import { predictionRow } from '../fixtures/rows.ts';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';
import { sums } from './counting.ts';
import { describeFairness } from './fair-counts.ts';
import { describeOutcomes } from './outcome-counts.ts';
import { describeReturning } from './returning-counts.ts';
import { describeFirst } from './first-counts.ts';
import { describeShadow } from './shadow-counts.ts';

let stack: TestStack;
let counts: Looks;
let clickhouse: ClickHouseClient;
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
    per: 'observed',
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
  return predictionRow({
    ...{ rollout_id: rollout.id, step, route_revision: `1.${step + 1}`, unit, assigned_arm: arm },
    probability: arm === 'candidate' ? weight : 1 - weight,
    served_version: arm === 'candidate' ? 'spam:2' : 'spam:1',
    ...{ router: 'r', boot: 'b' },
    ...change,
  });
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
/** (50 % − 25 %) / (1 − 25 %), to nine digits. */
const THIRD = 0.333333333;

const P = {
  plain: prediction('a', 'control', 0),
  repeatFails: [
    prediction('b', 'candidate', 0, { status: 500 }),
    prediction('b', 'candidate', 0, { status: 500 }),
    // rows that arrive together are in the order of the router's clock
    prediction('b', 'candidate', 0, { time: Date.now() + 50 }),
  ],
  fallback: prediction('c', 'candidate', 0, { served_version: 'spam:1', fallback_from: 'spam:2' }),
  ejected: prediction('d', 'candidate', 0, {
    served_version: 'spam:1',
    fallback_from: 'spam:2',
    reason: 'ejected',
    router: 'r2',
  }),
  // at a time when the candidate would not have been tried: no event, like the candidate's
  besideEjected: prediction('m', 'control', 0, { status: 500, reason: 'ejected', router: 'r2' }),
  // answered after a candidate would have been given up: a failure, like the candidate's fallback
  late: prediction('n', 'control', 0, { error_code: 'late' }),
  // changes arms with the ramp: counts in each step by its arm there
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
  clickhouse = createClickHouse(stack.clickhouse.writer);
  counts = new Looks(clickhouse);
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
  it('count a unit once per share, given its arm before; forced, unassigned, lease-expired do not expose', async () => {
    // e was control at 25 %: at 50 % it was to join with a third
    expect(sums(await counts.exposures(rollout, all))).toEqual({ 0.25: [4, 3], [THIRD]: [0, 1], 0.5: [1, 3] });
  });
  it('count the first error of a unit, and fallbacks for the assigned arm; ejected ones are no events', async () => {
    const { cells, step } = await counts.errors(rollout, all);
    expect(sums(cells)).toEqual({ 0.25: [2, 2], [THIRD]: [0, 1] });
    expect(step).toEqual({ control: { units: 1, events: 0 }, candidate: { units: 4, events: 1, failedShare: 0.25 } });
  });
  it('total requests and units of the present step, and find no crossed units where there are none', async () => {
    expect(await counts.totals(rollout, all)).toEqual({
      control: { requests: 1, units: 1 },
      candidate: { requests: 4, units: 4 },
      crossed: 0,
    });
    expect(await counts.totals({ ...rollout, step: 0 }, all)).toMatchObject({ candidate: { requests: 4, units: 2 } });
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
    const cut = { edges, quantiles: edges, masses: [0.5, 0.4, 0.09, 0.01], answers: 500, until: 0 };
    const at = async (margin: number) =>
      (await counts.latency(rollout, all, cut, margin)).reduce(
        (sum, c) => sum.map((n, b) => n + (c.candidate[b] as number)),
        [0, 0, 0, 0],
      );
    // b, c and e failed
    expect(await at(1)).toEqual([0, 3, 0, 0]);
    expect(await at(1.2)).toEqual([3, 0, 0, 0]);
  });
  it('are those of the rows that a look had seen, whatever has arrived since', async () => {
    await send(topics.predictions.name, [prediction('late', 'candidate', 1)]);
    await until(
      'a row that came later',
      async () =>
        (await stack.query<{ n: number }>("SELECT count() AS n FROM predictions WHERE unit = 'late'"))[0]?.n === 1,
    );
    expect(sums(await counts.exposures(rollout, all))).toEqual({ 0.25: [4, 3], [THIRD]: [0, 1], 0.5: [1, 3] });
    expect(sums(await counts.exposures(rollout, await counts.asOf(rollout)))).toMatchObject({ 0.5: [1, 4] });
    expect(sums(await counts.exposures(rollout, { ...all, predictions: {} }))).toEqual({});
    expect((await counts.outcomes(rollout, { ...all, outcomes: {} }, metric())).cells).toEqual([]);
  });
  it('are empty when there is nothing', async () => {
    const none = { ...rollout, id: randomUUID() };
    expect(await counts.exposures(none, all)).toEqual([]);
    expect(await counts.totals(none, all)).toEqual({
      control: { requests: 0, units: 0 },
      candidate: { requests: 0, units: 0 },
      crossed: 0,
    });
    expect(await counts.baseline(none, all)).toEqual({ edges: null, answers: 0 });
    expect(await counts.quantiles(none, all)).toEqual({ control: null, candidate: null });
  });
});

const context = () => ({ stack, clickhouse, counts, send });
const builders = { rollout, prediction, outcome, metric };
// First, because an endpoint is new only once.
describeFirst(context, builders);
describeReturning(context, builders);
describeOutcomes(context, builders);
describeFairness(context, builders);
describeShadow(context, builders);
