import { randomUUID } from 'node:crypto';
import {
  assignArm,
  builtInMetrics,
  type Metric,
  metricSchema,
  type PredictionRow,
  type Rollout,
  rolloutSpecSchema,
  topics,
} from '@slipway/contracts';
import type { AsOf } from '@slipway/experiment-stats/as-of';
import { until } from '@slipway/local';
import { type ClickHouseClient, createClickHouse, createKafka, createLogger, RecordProducer } from '@slipway/platform';

import { type CountCell, isCrossed, mergeCells, ReturningUnits, type Sighting } from '@slipway/stats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Looks } from '../fixtures/looks.ts';
import { startTestStack, type TestStack } from '../fixtures/stack.ts';
import { describeFairness } from './fair-counts.ts';
import { describeOutcomes } from './outcome-counts.ts';

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
/** (50 % − 25 %) / (1 − 25 %), to nine digits. */
const THIRD = 0.333333333;
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
  // of a moment in which the candidate would not have been tried: as little an event as the candidate's
  besideEjected: prediction('m', 'control', 0, { status: 500, reason: 'ejected', router: 'r2' }),
  // answered, after a candidate would have been given up: a failure as the candidate's fallback is
  late: prediction('n', 'control', 0, { error_code: 'late' }),
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
  it('count the first error of a unit, and fallbacks for the arm assigned; ejected ones are no events', async () => {
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
  it('are those of the rows that a look had seen, whatever has come since', async () => {
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
  it('say nothing where there is nothing', async () => {
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

describe('the latency baseline of an endpoint that is new', () => {
  it("is the control's own first answers, and nothing up to the last of them is evidence", async () => {
    const fresh: Rollout = { ...rollout, id: randomUUID() };
    const line = (unit: string, arm: 'control' | 'candidate', latency_us: number) => ({
      ...prediction(unit, arm, 1),
      event_id: randomUUID(),
      rollout_id: fresh.id,
      latency_us,
    });
    const count = async () =>
      (await stack.query<{ n: number }>(`SELECT count() AS n FROM predictions WHERE rollout_id = '${fresh.id}'`))[0]?.n;
    const few = Array.from({ length: 499 }, (_, i) => line(`first-${i}`, 'control', 1000 + i));
    await send(topics.predictions.name, few);
    await until('the first rows', async () => (await count()) === 499);
    expect(await counts.baseline(fresh, await counts.asOf(fresh))).toEqual({ edges: null, answers: 499 });
    await send(topics.predictions.name, [line('first-499', 'control', 1499), line('early', 'candidate', 1000)]);
    await until('one more', async () => (await count()) === 501);
    const baseline = await counts.baseline(fresh, await counts.asOf(fresh));
    if (!baseline.edges) throw new Error('there is no baseline');
    expect([baseline.edges, baseline.answers]).toEqual([[1249, 1449, 1494], 500]);
    // the next second begins: only what arrives then is compared
    await until('the next second', async () => Math.floor(Date.now() / 1000) > baseline.until + 1);
    await send(topics.predictions.name, [line('late-c', 'control', 1200), line('late-t', 'candidate', 5000)]);
    await until('what comes after', async () => (await count()) === 503);
    const cells = await counts.latency(fresh, await counts.asOf(fresh), baseline, 1);
    const sum = (arm: 'control' | 'candidate') => cells.reduce((n, c) => n + c[arm].reduce((a, b) => a + b, 0), 0);
    expect([sum('control'), sum('candidate')]).toEqual([1, 1]);
  });
});

describe('an outcome that overtakes its prediction', () => {
  it('is counted when the prediction comes', async () => {
    const early: Rollout = { ...rollout, id: randomUUID() };
    const fact = outcome(1, { unit: 'overtaken', name: 'bought' });
    await send(topics.outcomes.name, [fact]);
    await until(
      'the outcome',
      async () => (await stack.query(`SELECT 1 FROM outcomes WHERE event_id = '${fact.event_id}'`)).length > 0,
    );
    const bought = metric({ source: { outcome: 'bought' }, per: 'observed' });
    const step = async () => (await counts.outcomes(early, await counts.asOf(early), bought)).step.candidate;
    expect(await step()).toEqual({ units: 0, events: 0 });
    await send(topics.predictions.name, [
      prediction('overtaken', 'candidate', 1, { rollout_id: early.id, time: Date.now() - 60_000 }),
    ]);
    await until('the prediction', async () => (await step()).units === 1);
    expect(await step()).toEqual({ units: 1, events: 1 });
  });
});

describe('a label that begins with a bracket', () => {
  it('is observed as any other; a list of several elements is not', async () => {
    const other: Rollout = { ...rollout, id: randomUUID() };
    const answers = { label: ['[urgent]'], odd: ['[1] of 2'], list: ['a', 'b'], long: Array(100).fill('[x]') };
    const rows = Object.entries(answers).map(([unit, data]) =>
      prediction(unit, 'candidate', 1, { rollout_id: other.id, response: { outputs: [{ name: 'class', data }] } }),
    );
    await send(topics.predictions.name, rows);
    const name = 'bracketed';
    await send(
      topics.outcomes.name,
      rows.map((r) => outcome(r.unit === 'label' ? '[urgent]' : 'other', { request_id: r.request_id, name })),
    );
    const landed = (table: string, where: string) =>
      until(
        table,
        async () =>
          (await stack.query<{ n: number }>(`SELECT uniqExact(event_id) AS n FROM ${table} WHERE ${where}`))[0]?.n ===
          4,
      );
    await landed('predictions', `rollout_id = '${other.id}'`);
    await landed('outcomes', `name = '${name}'`);
    const misfiled = metric({ source: { outcome: name, compare: { differs_from: 'class' } } });
    const counted = await counts.outcomes(other, await counts.asOf(other), misfiled);
    // '[1] of 2' is what a long list looks like: of that alone nobody can tell.
    expect(counted.step.candidate).toEqual({ units: 1, events: 0 });
    const lists = await stack.query<{ unit: string; list: number }>(
      `SELECT unit, slipway_is_list(outputs['class']) AS list
        FROM predictions FINAL WHERE rollout_id = '${other.id}' ORDER BY unit`,
    );
    expect(lists.map((l) => `${l.unit} ${l.list}`)).toEqual(['label 0', 'list 1', 'long 1', 'odd 1']);
  });
});

describe('units that come back, over shares that go up and down', () => {
  const ramp: Rollout = { ...rollout, id: randomUUID() };
  const SHARES = [0.05, 0.25, 0.5, 0.25, 0.4, 0.7];
  type Seen = { unit: string; weight: number; arm: Sighting['arm']; at: string; second: number; failed: number };
  let seen: Seen[];
  let asOf: AsOf;

  beforeAll(async () => {
    let n = 0;
    for (const [step, share] of SHARES.entries()) {
      const rows = Array.from({ length: 80 }, (_, u) => `unit-${u}`).flatMap((unit, u) => {
        if ((u * 7 + step * 3) % 5 === 0) return [];
        const arm = assignArm(ramp.id, unit, share);
        const status = (u * 5 + step) % 3 === 0 ? 500 : 200;
        return [
          prediction(unit, arm, step, {
            rollout_id: ramp.id,
            probability: arm === 'candidate' ? share : 1 - share,
            status,
          }),
        ];
      });
      n += rows.length;
      await send(topics.predictions.name, rows);
    }
    await until(
      'the predictions of a ramp',
      async () =>
        (
          await stack.query<{ n: number }>(
            `SELECT uniqExact(event_id) AS n FROM predictions WHERE rollout_id = '${ramp.id}'`,
          )
        )[0]?.n === n,
    );
    asOf = await counts.asOf(ramp);
    seen = await stack.query<Seen>(
      `SELECT unit, round(if(assigned_arm = 'candidate', probability, 1 - probability), 9) AS weight,
         assigned_arm AS arm, toString(arrived_at) AS at, toUnixTimestamp(arrived_at) AS second,
         toUInt8(status >= 400) AS failed
       FROM slipway.predictions FINAL WHERE rollout_id = '${ramp.id}' ORDER BY arrived_at, weight`,
    );
  });

  it('are judged given their arms before, by ClickHouse as by libs/stats', async () => {
    const units = new ReturningUnits();
    const found = { exposures: [] as CountCell[], errors: [] as CountCell[] };
    const add = (into: CountCell[], { second, arm }: Seen, weight: number | undefined) => {
      if (weight !== undefined)
        into.push({ second, weight, control: Number(arm === 'control'), candidate: Number(arm === 'candidate') });
    };
    for (const row of seen) add(found.exposures, row, units.exposed(row.unit, { share: row.weight, arm: row.arm }));
    for (const row of seen) if (row.failed) add(found.errors, row, units.event(row.unit, row.weight));
    expect(new Set(found.exposures.map((c) => c.weight)).size).toBeGreaterThan(8);
    expect(await counts.exposures(ramp, asOf)).toEqual(mergeCells(found.exposures));
    expect((await counts.errors(ramp, asOf)).cells).toEqual(mergeCells(found.errors));
    expect((await counts.totals(ramp, asOf)).crossed).toBe(0);
  });

  it('are left out of every count, and counted, when in both arms where the shares do not allow it', async () => {
    const crossing = seen.find((r) => r.weight === 0.05 && r.arm === 'control');
    if (!crossing) throw new Error('no control at 5 %');
    const before = sums(await counts.exposures(ramp, asOf));
    const row = prediction(crossing.unit, 'candidate', 0, { rollout_id: ramp.id, probability: 0.05, status: 500 });
    await send(topics.predictions.name, [row]);
    await until(
      'the crossing row',
      async () =>
        (
          await stack.query<{ n: number }>(
            `SELECT count() AS n FROM predictions WHERE request_id = '${row.request_id}'`,
          )
        )[0]?.n === 1,
    );
    const now = await counts.asOf(ramp);
    expect(isCrossed([crossing, row].map((r) => ({ share: 0.05, arm: 'arm' in r ? r.arm : r.assigned_arm })))).toBe(
      true,
    );
    expect((await counts.totals(ramp, now)).crossed).toBe(1);
    const [was, is] = [before[0.05] as number[], sums(await counts.exposures(ramp, now))[0.05] as number[]];
    expect(is).toEqual([(was[0] as number) - 1, was[1]]);
    expect((await counts.totals({ ...ramp, step: 0 }, now)).control.units).toBe(
      (await counts.totals({ ...ramp, step: 0 }, asOf)).control.units - 1,
    );
  });

  it('find a candidate that has answered nothing since its requests were ejected', async () => {
    const gone: Rollout = { ...rollout, id: randomUUID() };
    const of = (change: Partial<PredictionRow>) =>
      send(topics.predictions.name, [prediction(randomUUID(), 'candidate', 1, { rollout_id: gone.id, ...change })]);
    const ejected = { reason: 'ejected', fallback_from: 'spam:2', served_version: 'spam:1' } as const;
    const rows = async (n: number) =>
      until(
        `${n} rows of a candidate`,
        async () =>
          (await stack.query<{ n: number }>(`SELECT count() AS n FROM predictions WHERE rollout_id = '${gone.id}'`))[0]
            ?.n === n,
      );
    await of(ejected);
    await of({});
    await rows(2);
    expect(await counts.outOfService(gone, await counts.asOf(gone))).toBe(0);
    await of(ejected);
    await rows(3);
    await of({ status: 502 });
    await rows(4);
    const seconds = await counts.outOfService(gone, await counts.asOf(gone));
    const [row] = await stack.query<{ seconds: number }>(
      `SELECT dateDiff('millisecond', maxIf(arrived_at, reason = 'ejected'), max(arrived_at)) / 1000 AS seconds
       FROM slipway.predictions FINAL WHERE rollout_id = '${gone.id}'`,
    );
    expect(seconds).toBe(row?.seconds);
    expect(seconds).toBeGreaterThan(0);
  });
});

describeOutcomes(() => ({ stack, counts, send }), { rollout, prediction, outcome });
describeFairness(() => ({ stack, clickhouse, counts, send }), { rollout, prediction, outcome });
