// Over 300 lines: every case sends and fails rows by the same few helpers.
import { randomUUID } from 'node:crypto';
import {
  candidateShares,
  decide,
  type Evidence,
  type Metric,
  metricSchema,
  obey,
  pairShare,
  pause,
  type Rollout,
  rolloutSpecSchema,
  stepWeight,
  type World,
} from '@slipway/release';
import { comparisonRow, type PredictionRow, predictionRow, topics } from '@slipway/contracts';
import { Analysis, type Look } from '@slipway/experiment-stats/analyse.store';
import { until } from '@slipway/local';
import { type ClickHouseClient, insertSql } from '@slipway/platform';
import { ShadowCountsStore } from '@slipway/shadow-comparator/shadow-counts.store';
import { ShadowVerdict } from '@slipway/shadow-comparator/shadow-verdict.store';
import { type Judgement, proveRatio } from '@slipway/stats';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of counts.test.ts, which the root's vitest runs
import { beforeAll, describe, expect, it } from 'vitest';
import { ARMS, type Arm, type Builders, type Counting, sums } from './counting.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Suites on the stack of the counts: what has to be counted alike in both arms, and by one clock. */
export function describeFairness(context: () => Counting, { rollout, prediction, outcome, metric }: Builders): void {
  const analysis = () => new Analysis(context().clickhouse);
  const newRollout = (change: Partial<Rollout> = {}): Rollout => ({ ...rollout, id: randomUUID(), ...change });
  /** Sends rows one record after another, and waits until ClickHouse has them. */
  const post = async (topic: { name: string }, ...records: { event_id: string }[][]): Promise<void> => {
    const { stack, send } = context();
    const table = topic === topics.predictions ? 'predictions' : topic === topics.audit ? 'audit' : 'outcomes';
    const source = randomUUID();
    for (const rows of records)
      await send(
        topic.name,
        rows.map((r) => ({ ...r, source })),
      );
    const ids = new Set(records.flat().map((r) => r.event_id)).size;
    const about = table === 'audit' ? 'aggregate = {of:String}' : 'source = {of:String}';
    const of = table === 'audit' ? (records[0]?.[0] as { aggregate?: string } | undefined)?.aggregate : source;
    await until(`${ids} ${table}`, async () => {
      const [found] = await stack.query<{ n: number }>(`SELECT uniqExact(event_id) AS n FROM ${table} WHERE ${about}`, {
        of,
      });
      return found?.n === ids;
    });
  };
  /** An attempt that failed: the control's caller is told so, the candidate's gets the control's answer. */
  const failing = (arm: Arm): Partial<PredictionRow> =>
    arm === 'control'
      ? { status: 500, served_version: '', response: 'an error' }
      : { fallback_from: 'spam:2', served_version: 'spam:1' };

  describe('a request that failed', () => {
    it("is no latency: the candidate's took its own attempt and the control's, the control's one", async () => {
      const { counts } = context();
      const of = newRollout();
      const rows = ARMS.flatMap((arm) => [
        prediction(`${arm} served`, arm, 1, { rollout_id: of.id }),
        prediction(`${arm} failed`, arm, 1, { rollout_id: of.id, latency_us: 2900, ...failing(arm) }),
      ]);
      const late = prediction('late', 'control', 1, { rollout_id: of.id, latency_us: 2900, error_code: 'late' });
      // What comes after a late answer is not counted: the control's callers may have left.
      const again = ARMS.map((arm) => prediction(`${arm} failed`, arm, 1, { rollout_id: of.id }));
      await post(topics.predictions, [...rows, late], again);
      const asOf = await counts.asOf(of);
      const quantiles: [number, number, number] = [900, 1500, 3000];
      const cut = { edges: quantiles, quantiles, masses: [0.5, 0.4, 0.09, 0.01], answers: 500, until: 0 };
      const cells = await counts.latency(of, asOf, cut, 1);
      const sum = (arm: Arm) => cells.reduce((s, c) => s.map((n, b) => n + (c[arm][b] as number)), [0, 0, 0, 0]);
      expect({ control: sum('control'), candidate: sum('candidate') }).toEqual({
        control: [0, 1, 0, 0],
        candidate: [0, 1, 0, 0],
      });
    });

    it('counts when either arm would have told, though a candidate that hangs is given up sooner', async () => {
      const { counts } = context();
      const of = newRollout();
      const hung = { rollout_id: of.id, settled_us: 10_000_000 };
      await post(topics.predictions, [
        prediction('control hung', 'control', 1, { ...hung, latency_us: 10_000_000, ...failing('control') }),
        prediction('candidate hung', 'candidate', 1, { ...hung, latency_us: 6_000_000, ...failing('candidate') }),
        // It failed at once, and the control's answer took four seconds.
        prediction('candidate broke', 'candidate', 1, {
          ...{ rollout_id: of.id, settled_us: 5000, latency_us: 4_005_000 },
          ...failing('candidate'),
        }),
      ]);
      const asOf = await counts.asOf(of);
      const arrived = Math.floor((await counts.times(of, asOf)).began / 1000);
      const told = async (closed: number) => {
        const at = { ...asOf, closed };
        const [exposures, { cells }] = await Promise.all([counts.exposures(of, at), counts.errors(of, at)]);
        const failed = cells.map((c) => [c.second - arrived, c.control, c.candidate]);
        // It is not counted sooner either: the sample ratio of a fault that both share is what it was.
        expect(exposures.map((c) => [c.second - arrived, c.control, c.candidate])).toEqual(failed);
        return failed;
      };
      const before = [
        [-4, 0, 1],
        [0, 1, 0],
      ];
      expect(await told(arrived * 1000 + 3000)).toEqual(before);
      expect(await told(arrived * 1000 + 5000)).toEqual([...before, [4, 0, 1]]);
    });

    it("is no part of the control's baseline either, when its answer was another version's fallback", async () => {
      const { counts } = context();
      const of = newRollout({
        spec: { ...rollout.spec, endpoint: `e-${randomUUID()}` },
        started_at: Date.now() + MINUTE,
      });
      const row = (change: Partial<PredictionRow>) =>
        prediction('', 'control', 0, { rollout_id: '', endpoint: of.spec.endpoint, reason: 'rule', ...change });
      await post(
        topics.predictions,
        Array.from({ length: 500 }, (_, i) => row({ latency_us: 1000 + i })),
        Array.from({ length: 500 }, () => row({ latency_us: 9000, ...failing('candidate') })),
      );
      expect((await counts.baseline(of, await counts.asOf(of))).answers).toBe(500);
    });
  });

  describe("what a caller does after a failure is no evidence: the fallback rescues the candidate's alone", () => {
    const metric = (change: object): Metric =>
      metricSchema.parse({ name: 'm', kind: 'proportion', direction: 'higher', window: '1h', ...change });
    const bought = metric({ source: { outcome: 'purchase' }, per: 'exposed' });
    const complained = metric({ source: { outcome: 'purchase' }, per: 'exposed', direction: 'lower' });
    const observed = metric({ source: { outcome: 'purchase' }, per: 'observed' });
    const wrong = { source: { outcome: 'label', compare: { differs_from: 'class' } }, direction: 'lower' };
    const misfiled = metric({ ...wrong, per: 'observed' });
    const UNITS = 300;
    const [same, few] = [newRollout(), newRollout()];
    const unit = (of: Rollout, arm: Arm, i: number) => `${of.id} ${arm} ${i}`;
    const counted = async (of: Rollout, m: Metric) => {
      const { counts } = context();
      const asOf = await counts.asOf(of);
      return (await counts.outcomes(of, { ...asOf, closed: asOf.closed + 2 * HOUR }, m)).step;
    };

    beforeAll(async () => {
      // One in five fails in both arms; of those who get an answer, every second one buys.
      const all = ARMS.flatMap((arm) =>
        Array.from({ length: UNITS }, (_, i) =>
          prediction(unit(same, arm, i), arm, 1, { rollout_id: same.id, ...(i % 5 === 0 ? failing(arm) : {}) }),
        ),
      );
      const buys = ARMS.flatMap((arm) =>
        Array.from({ length: UNITS }, (_, i) => i)
          .filter((i) => i % 2 === 0 && (arm === 'candidate' || i % 5 !== 0))
          .map((i) => outcome(1, { unit: unit(same, arm, i), name: 'purchase' })),
      );
      const rows = (name: string, arm: Arm, change: Partial<PredictionRow> = {}) =>
        prediction(unit(few, arm, 0) + name, arm, 1, { rollout_id: few.id, ...change });
      const each = (of: (arm: Arm) => { event_id: string }[]) => ARMS.flatMap(of);
      const labelled = ARMS.map((arm) => rows(' label', arm));
      await post(
        topics.predictions,
        all,
        each((arm) => [rows(' before', arm), rows(' after', arm)]),
        labelled,
      );
      await post(
        topics.outcomes,
        buys,
        each((arm) => [outcome(1, { unit: `${unit(few, arm, 0)} before`, name: 'purchase' })]),
      );
      await post(
        topics.predictions,
        each((arm) => [...[' before', ' after', ' label'].map((name) => rows(name, arm, failing(arm)))]),
      );
      await post(
        topics.predictions,
        each((arm) => [rows(' after', arm)]),
      );
      await post(
        topics.outcomes,
        each((arm) => [
          outcome(1, { unit: `${unit(few, arm, 0)} after`, name: 'purchase' }),
          outcome(0, { unit: `${unit(few, arm, 0)} after`, name: 'label' }),
          outcome(0, { request_id: labelled.find((p) => p.assigned_arm === arm)?.request_id, name: 'label' }),
        ]),
      );
    });

    it('an identical candidate whose failures the control rescues is not proved better', async () => {
      const { control, candidate } = await counted(same, bought);
      expect({ control, candidate }).toEqual({
        control: { units: UNITS, events: 120 },
        candidate: { units: UNITS, events: 120 },
      });
      // As it was counted:
      expect(proveRatio(control, { ...candidate, events: 150 }, 1, 'above', 0.05).estimate).toBeGreaterThan(0.09);
    });
    it('nor worse, where an event is bad: who failed before anything was seen is left out', async () => {
      const { control, candidate } = await counted(same, complained);
      expect({ control, candidate }).toEqual({
        control: { units: 240, events: 120 },
        candidate: { units: 240, events: 120 },
      });
    });
    it('what came before the failure counts; a label of an answer counts after it, too', async () => {
      const one = { units: 1, events: 1 };
      expect(await counted(few, observed)).toEqual({ control: one, candidate: one });
      expect(await counted(few, misfiled)).toEqual({ control: one, candidate: one });
      const three = { units: 3, events: 1 };
      expect(await counted(few, bought)).toEqual({ control: three, candidate: three });
    });
  });

  describe('of a unit that comes often', () => {
    it('the share of its requests is what failed, not that any of them did', async () => {
      const { counts } = context();
      const of = newRollout({ weight: 1 });
      const rows = ['a', 'b', 'c'].flatMap((u) =>
        Array.from({ length: 50 }, (_, i) =>
          prediction(u, 'candidate', 1, { rollout_id: of.id, probability: 1, status: i === 7 ? 500 : 200 }),
        ),
      );
      await post(topics.predictions, rows);
      const { step } = await counts.errors(of, await counts.asOf(of));
      expect(step.candidate).toEqual({ units: 3, events: 3, failedShare: expect.closeTo(0.02, 9) });
    });
    it('is nothing against the candidate at 100 % while the control, asked in its place, fails too', async () => {
      const judged = async (id: string, fallback: Partial<PredictionRow>) => {
        const spec = specOf({ guardrails: [{ metric: 'error_rate', maxRatio: 1.25 }] });
        const of = newRollout({ id, step: 2, weight: 1, spec, visits: [{ ...visitAt(Date.now()), weight: 1 }] });
        const asked = { rollout_id: id, probability: 1, fallback_from: 'spam:2', ...fallback };
        await post(
          topics.predictions,
          Array.from({ length: 30 }, (_, i) => prediction(`u${i}`, 'candidate', 2, asked)),
        );
        return (await analysis().look(of, Date.now()))?.reasons;
      };
      const nobody = { status: 503, served_version: '', error_code: 'no_target' };
      expect(await judged(randomUUID(), nobody)).toContain('outage');
      expect(await judged(randomUUID(), { served_version: 'spam:1' })).toEqual(['gross_failure']);
    });
  });

  const specOf = (change: object) => ({ ...rollout.spec, guardrails: [], ...change }) as Rollout['spec'];
  const visitAt = (at: number): Rollout['visits'][number] => ({
    step: 1,
    phase: 'active',
    weight: 0.5,
    entered_at: at,
    active_at: at,
    left_at: null,
  });

  describe('an experiment of several arms', () => {
    it('counts each candidate beside control alone, by name; a unit of two arms is left out of all', async () => {
      const candidates = ['b', 'c'].map((name, i) => ({ name, model: 'spam', version: i + 2 }));
      const spec = specOf({
        candidate: undefined,
        candidates,
        steps: [{ dark: {} }, { experiment: { goal: 'misfiled', until: {} } }],
        guardrails: [{ metric: 'error_rate' }],
      });
      // Equal parts, whose nine digits are not those of a third.
      const weight = stepWeight(spec, 1);
      const visits = [{ ...visitAt(Date.now()), weight }];
      const of = newRollout({ weight, spec, visits, metrics: [...rollout.metrics, metric()] });
      const third = candidateShares({ ...of, step: 1 })[0]?.share as number;
      const shares: Record<string, number> = { control: 1 - 2 * third, b: third, c: third, nobody: third };
      const row = (unit: string, arm: string, change: Partial<PredictionRow> = {}) =>
        prediction(unit, arm as Arm, 1, { rollout_id: of.id, probability: shares[arm] as number, ...change });
      await post(topics.predictions, [
        ...['1', '2', '3'].map((unit) => row(unit, 'control')),
        ...['4', '5'].map((unit) => row(unit, 'b', unit === '4' ? { status: 500 } : {})),
        ...['6', '7', '8', '9'].map((unit) => row(unit, 'c')),
        ...['b', 'c'].map((arm) => row('both', arm)),
        row('10', 'nobody'),
        row('11', 'control', { reason: 'withdrawn', probability: 1 }),
      ]);
      const seen = async (change: Partial<Rollout> = {}) =>
        (await analysis().look({ ...of, ...change }, Date.now())) as Look;
      const { arms, numbers } = await seen();
      expect(arms.map((a) => a.arm)).toEqual(['b', 'c']);
      const [b, c] = ['b', 'c'].map((arm) => numbers.arms[arm] as Judgement['numbers']);
      expect([b?.step.totals, c?.step.totals].map((t) => [t?.control.units, t?.candidate.units])).toEqual([
        [3, 2],
        [3, 4],
      ]);
      expect([b?.crossed_units, c?.crossed_units, b?.threshold]).toEqual([1, 1, 40]);
      const { counts } = context();
      const pair = { candidate: 'c', part: pairShare(spec, 'c'), others: ['b'] };
      const exposures = sums(await counts.exposures(of, await counts.asOf(of), pair));
      expect(Object.entries(exposures)).toEqual([[expect.stringMatching(/^0\.50000000/), [3, 4]]]);
      expect(b?.guardrails[0]).toMatchObject({ candidate: { units: 2, events: 1 }, control: { units: 3, events: 0 } });
      const without = await seen({ withdrawn: [{ arm: 'b', at: 0, reason: '', evidence_id: null }] });
      expect([without.arms.map((a) => a.arm), without.numbers.arms['c']]).toEqual([['c'], c]);
    });
  });

  describe('clocks that differ', () => {
    it.each([
      ['the registry is ten minutes ahead', 10 * MINUTE, 0],
      ['the registry is ten minutes behind', -10 * MINUTE, 0],
      ['the analyser is an hour behind', 0, -HOUR],
      ['the analyser is an hour ahead', 0, HOUR],
    ])('change neither what is counted nor how long a step has lasted: %s', async (_, registry, analyser) => {
      const began = Date.now();
      const of = newRollout({
        spec: specOf({}),
        started_at: began + registry,
        visits: [visitAt(began + registry)],
      });
      const ejected = { reason: 'ejected', fallback_from: 'spam:2', served_version: 'spam:1' } as const;
      const own = { rollout_id: of.id };
      await post(
        topics.predictions,
        ARMS.flatMap((arm) => [1, 2, 3].map((i) => prediction(`${of.id}${arm}${i}`, arm, 1, own))),
      );
      // Each after the other has landed: what arrives in the millisecond of an answer comes before it.
      for (let i = 0; i < 2; i++)
        await post(topics.predictions, [prediction('out', 'candidate', 1, { ...own, ...ejected })]);
      const look = (await analysis().look(of, Date.now() + analyser)) as Look;
      const { step, out_of_service: out } = look.numbers.arms['candidate'] as Judgement['numbers'];
      expect(step.totals.control.requests).toBe(3);
      expect(out?.seconds).toBeGreaterThan(0);
      expect(step.activeSeconds).toBeGreaterThan(0);
      expect(step.activeSeconds).toBeLessThan((Date.now() - began) / 1000 + 1);
    });
  });

  describe('a shadow step', () => {
    it.each([
      ['ahead', 10 * MINUTE],
      ['behind', -10 * MINUTE],
    ])('lasts as long as its rows say, however far the registry is %s', async (_, registry) => {
      const at = Date.now() + registry;
      const shadow = { sample: 1, until: { pairs: 1, for: '5m' }, maxExcessDisagreement: 0.02 };
      const spec = rolloutSpecSchema.parse({ ...rollout.spec, steps: [{ shadow }, { shadow }, { switch: {} }] });
      const of = newRollout({ spec, started_at: at, visits: [{ ...visitAt(at), weight: 0 }] });
      const sampled = () => [
        prediction('', 'control', 1, { rollout_id: of.id, shadow_rollout_id: of.id, shadow_step: 1 }),
      ];
      await post(topics.predictions, sampled(), sampled());
      const found = await new ShadowVerdict(new ShadowCountsStore(context().clickhouse)).look(of);
      expect(found?.sentence).toMatch(/the step lasts (29\d|300) s longer/);
    });

    it('is counted from the rows since its rollout began, however many came before', async () => {
      const { clickhouse } = context();
      const before = 50_000;
      const old = `SELECT formatRowNoNewline('JSONEachRow',
          concat('old-', leftPad(toString(number), 9, '0')) AS event_id,
          event_id AS request_id, toUnixTimestamp64Milli(now64(3) - INTERVAL 20 DAY) AS time, 'spam' AS endpoint,
          'old' AS rollout_id, 'control' AS assigned_arm, 1 AS probability, 'rule' AS reason, 200 AS status,
          'paired' AS result, true AS agree) AS line,
        now64(3) - INTERVAL 20 DAY AS arrived
        FROM numbers(${before})`;
      for (const row of [predictionRow, comparisonRow]) await clickhouse.command({ query: insertSql(row, old) });
      let read = 0;
      const counting = {
        query: async (asked: { query: string; query_params: Record<string, unknown> }) => {
          const result = await clickhouse.query({ ...asked, format: 'JSON' });
          const { data, statistics } = await result.json();
          read += statistics?.rows_read ?? 0;
          return { json: async () => data };
        },
      } as unknown as ClickHouseClient;
      const of = newRollout({ started_at: Date.now() });
      const sampled = { rollout_id: of.id, shadow_rollout_id: of.id, shadow_step: 0 };
      await post(topics.predictions, [prediction('', 'control', 0, sampled)]);
      const store = new ShadowCountsStore(counting);
      const step = { endpoint: 'spam', rollout: of.id, step: 0, since: Date.now() };
      expect(await store.counts(step)).toMatchObject({ sampled: 1, paired: 0 });
      expect(await store.seconds(step)).toBeGreaterThanOrEqual(0);
      expect(read).toBeGreaterThan(0);
      expect(read).toBeLessThan(before);
    });
  });

  describe('a candidate that was out of service, and is resumed', () => {
    const capacity = { candidateWarm: 1, controlWarm: 1, able: 1 };
    const world: World = { candidates: { candidate: { capacity, failure: undefined } }, routersFollow: true };
    const policy = { silenceMs: MINUTE, prepareMs: MINUTE };

    it('is not paused again for what was before the resume, but for what comes after it', async () => {
      const began = Date.now();
      const running = newRollout({
        spec: specOf({ maxOutOfService: '1ms' }),
        visits: [visitAt(began)],
      });
      const ejected = { reason: 'ejected', fallback_from: 'spam:2', rollout_id: running.id } as const;
      const out = () => [prediction(randomUUID(), 'candidate', 1, ejected)];
      const says = async (of: Rollout) => {
        const said = (await analysis().look(of, Date.now())) as Look;
        const evidence = { event_id: randomUUID(), ...said, analyser: 'experiment-stats' };
        const about = { revision: of.revision, step: of.step, time: 0, expires_at: MINUTE };
        const received = { evidence: { ...evidence, ...about } as unknown as Evidence, receivedAt: began };
        return decide(of, [received], began, world, policy);
      };
      const apart = () => {
        const at = Date.now();
        return until('the next milliseconds', () => Promise.resolve(Date.now() > at + 5));
      };
      await post(topics.predictions, out());
      await apart();
      await post(topics.predictions, out());
      const first = await says(running);
      expect(first).toMatchObject({ kind: 'pause', sentence: expect.stringContaining('out of service') });

      const paused = pause(running, 'out_of_service', null);
      const resumed = {
        ...obey(paused, { command: 'resume', reason: '' } as never, 'op', began + 1),
        revision: { epoch: 1, n: 9 },
      };
      // The look that the change wakes, before anything else is there, and when its audit row is.
      expect((await says(resumed)).kind).toBe('none');
      const about = { aggregate: `rollout/${running.id}`, n: 9, time: Date.now() };
      const audit = { event_id: randomUUID(), ...about, action: 'resume', state: resumed };
      await post(topics.audit, [audit]);
      expect((await says(resumed)).kind).toBe('none');

      await post(topics.predictions, out());
      await apart();
      await post(topics.predictions, out());
      expect((await says(resumed)).kind).toBe('pause');
    });
  });

  describe('requests that a step needs', () => {
    it('are those that the candidate was tried for: ejected ones tell nothing of it', async () => {
      const { counts } = context();
      const of = newRollout();
      const ejected = { reason: 'ejected', fallback_from: 'spam:2', served_version: 'spam:1' } as const;
      await post(topics.predictions, [
        prediction('a', 'candidate', 1, { rollout_id: of.id }),
        ...['a', 'b', 'c'].map((u) => prediction(u, 'candidate', 1, { rollout_id: of.id, ...ejected })),
        prediction('d', 'control', 1, { rollout_id: of.id, reason: 'ejected' }),
      ]);
      const asOf = await counts.asOf(of);
      expect(await counts.totals(of, asOf)).toMatchObject({
        control: { requests: 0, units: 0 },
        candidate: { requests: 1, units: 1 },
      });
      // The sample ratio has them all.
      const all = await counts.exposures(of, asOf);
      expect(all.reduce((s, c) => s + c.control + c.candidate, 0)).toBe(4);
    });
  });
}
