import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of releases.test.ts, which the root's vitest runs
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { BAD, GOOD, type Release } from '../fixtures/release.ts';

/** Rollouts to each of their ends; the first part of the suite of releases, so that all rows are its own. */
export function describeRollouts(stack: () => Release): void {
  describe('rollouts under load, two routers', () => {
    const books: { asked: number; ids: string[] } = { asked: 0, ids: [] };
    afterAll(() => stack().restore());
    afterEach(async () => {
      const { missing } = await stack().accountFor(books.ids);
      expect(missing, 'answers that are no rows').toEqual([]);
      const [gaps] = await stack().query<{ missing: number; n: number }>(
        'SELECT sum(missing) AS missing, count() AS n FROM router_accounting',
      );
      expect(gaps).toEqual({ missing: 0, n: 2 });
      expect(await stack().query('SELECT * FROM dead_letters')).toEqual([]);
    });

    it('a bad candidate is rolled back, and no answer by it leaves after the route is applied', async () => {
      const sender = stack().sender(80);
      const { id } = await stack().rollOut(BAD, {
        steps: [{ canary: { weight: '20%', until: { requests: 5000 } } }, { switch: {} }],
      });
      const rollout = await stack().reach(
        id,
        'rolled back and settled',
        (r) => r.status === 'rolledBack' && r.withdrawal?.complete === true,
      );
      const stoppedAt = sender.counters.answered;
      await until('a hundred answers after the rollback', () => sender.counters.answered > stoppedAt + 100);
      await sender.stop();
      books.ids.push(...sender.answers.map((a) => a.id));
      expect(sender.counters.failed).toBe(0);
      expect(sender.counters.byVersion[`spam:${BAD}`]).toBeGreaterThan(5);
      expect(rollout.reason).toContain('misfiled');
      expect(rollout.withdrawal?.applied).toEqual(['router-1', 'router-2']);
      await stack().accountFor(books.ids);
      const [late] = await stack().query<{ n: number }>(
        `SELECT count() AS n
          FROM predictions FINAL
          WHERE served_version = {v:String} AND toUInt64(splitByChar('.', route_revision)[2]) >= {n:UInt64}`,
        { v: `spam:${BAD}`, n: rollout.withdrawal?.route.n },
      );
      expect(late?.n, 'answers by the bad version under the route that withdrew it').toBe(0);
      // and no router answered by it after it had answered anything under the new route
      const order = await stack().query<{ router: string; last_bad: number; first_new: number }>(
        `SELECT router, maxIf(sequence, served_version = {v:String}) AS last_bad, minIf(sequence,
          toUInt64(splitByChar('.', route_revision)[2]) >= {n:UInt64}) AS first_new
          FROM predictions FINAL
          WHERE rollout_id = {id:String} OR toUInt64(splitByChar('.', route_revision)[2]) >= {n:UInt64}
          GROUP BY router`,
        { v: `spam:${BAD}`, n: rollout.withdrawal?.route.n, id },
      );
      expect(order).toHaveLength(2);
      for (const o of order) {
        expect(o.last_bad, `${o.router} answered by the bad version`).toBeGreaterThan(0);
        expect(o.first_new).toBeGreaterThan(o.last_bad);
      }
      expect((await stack().operator.endpoints.get({ name: 'spam' })).current).toEqual({ model: 'spam', version: 1 });
    });

    it('a rollback command under load is applied by two routers', async () => {
      const sender = stack().sender(80);
      const started = await stack().rollOut(GOOD, {
        steps: [{ canary: { weight: '50%', until: { requests: 100_000 } } }, { switch: {} }],
        guardrails: [],
      });
      await until('both arms to answer', () => (sender.counters.byVersion[`spam:${GOOD}`] ?? 0) > 40);
      const after = await stack().operator.rollouts.command(
        { id: started.id },
        { command: 'rollBack', reason: 'a hunch' },
      );
      expect(after.status).toBe('rolledBack');
      const settled = await stack().reach(started.id, 'obeyed', (r) => r.withdrawal?.complete === true, 20_000);
      const atSettled = Date.now();
      await until('answers after that', () => sender.answers.filter((a) => a.at > atSettled).length > 60);
      await sender.stop();
      books.ids.push(...sender.answers.map((a) => a.id));
      expect(settled.withdrawal?.applied).toEqual(['router-1', 'router-2']);
      expect(
        sender.answers
          .filter((a) => a.at > atSettled)
          .map((a) => a.version)
          .filter((v) => v !== 'spam:1'),
      ).toEqual([]);
      expect(sender.counters.failed).toBe(0);
      const audit = (await stack().viewer.audit.list({ aggregate: `rollout/${started.id}` })).items;
      expect(audit.map((a) => [a.action, a.actor])).toContainEqual(['rollBack', 'operator']);
      expect(audit.find((a) => a.action === 'rollBack')?.reason).toBe('a hunch');
    });

    it('a good candidate is promoted, step by step, because of the evidence', async () => {
      const sender = stack().sender(80);
      const { id } = await stack().rollOut(GOOD);
      const rollout = await stack().reach(id, 'promoted', (r) => r.status === 'promoted' || r.status === 'rolledBack');
      await sender.stop();
      books.ids.push(...sender.answers.map((a) => a.id));
      expect(rollout.status, rollout.reason).toBe('promoted');
      expect(rollout.visits.map((v) => [v.step, v.weight])).toEqual([
        [0, 0.2],
        [1, 0.5],
        [2, 0.9],
        [3, 0.9],
      ]);
      expect(sender.counters.failed).toBe(0);
      expect((await stack().operator.endpoints.get({ name: 'spam' })).current.version).toBe(GOOD);
      const evidence = (await stack().operator.rollouts.evidence({ id })).items;
      expect(
        evidence
          .filter((e) => e.verdict === 'advance')
          .map((e) => e.step)
          .sort(),
      ).toEqual([0, 1, 3]);
      expect(evidence.find((e) => e.event_id === rollout.evidence_id)?.verdict).toBe('advance');
      // units that were held back during the watch never met the candidate
      await stack().accountFor(books.ids);
      const [both] = await stack().query<{ n: number }>(
        `SELECT count() AS n
          FROM (SELECT unit
          FROM predictions FINAL
          WHERE rollout_id = {id:String} AND reason = 'randomised'
          GROUP BY unit HAVING countIf(step = 3 AND assigned_arm = 'control') > 0
          AND countIf(assigned_arm = 'candidate') > 0)`,
        { id },
      );
      expect(both?.n).toBe(0);
      // one command returns the endpoint to its earlier version
      const back = await stack().operator.endpoints.rollBack(
        { name: 'spam' },
        {
          reason: 'back',
        },
      );
      expect(back.current.version).toBe(1);
      await until(
        'version 1 to answer',
        async () => (await stack().infer('hello')).headers.get('x-slipway-version') === 'spam:1',
      );
    });

    it('a candidate whose harm is not excluded stays where both versions serve until an operator decides', async () => {
      const sender = stack().sender(80);
      const { id } = await stack().rollOut(GOOD, {
        steps: [
          { canary: { weight: '50%', until: { requests: 60, for: '2s' } } },
          { switch: {} },
          { watch: { for: '1s' } },
        ],
        guardrails: [{ metric: 'error_rate', harm: { ratio: 2 } }],
      });
      // no request fails, so a doubling of errors can be neither seen nor excluded
      const waiting = async () =>
        (await stack().operator.rollouts.evidence({ id })).items.find(
          (e) => e.reasons.join() === 'harm_open:error_rate',
        );
      await until('nothing else to be missing', async () => (await waiting()) !== undefined, 60_000);
      expect((await waiting())?.sentence).toContain(
        'a harm to error_rate that must not be missed is not excluded yet (no event so far)',
      );
      expect((await stack().operator.rollouts.get({ id })).step).toBe(0);
      await stack().operator.rollouts.command({ id }, { command: 'promote', reason: 'it errs on nothing' });
      expect((await stack().reach(id, 'promoted', (r) => r.status !== 'running')).status).toBe('promoted');
      await sender.stop();
      books.ids.push(...sender.answers.map((a) => a.id));
      await stack().operator.endpoints.rollBack({ name: 'spam' }, { reason: 'back' });
      await until(
        'version 1 to answer',
        async () => (await stack().infer('hello')).headers.get('x-slipway-version') === 'spam:1',
      );
    });

    it('every verdict can be computed again from the rows in ClickHouse, exactly', async () => {
      // the last of each kind and step, and some of those between
      const verdicts = await stack().query<{ rollout_id: string; event_id: string }>(
        `SELECT rollout_id, event_id
          FROM evidence FINAL
          WHERE analyser = 'experiment-stats'
          ORDER BY time DESC LIMIT 3 BY rollout_id, step, verdict`,
      );
      expect(verdicts.length).toBeGreaterThan(6);
      for (const { rollout_id, event_id } of verdicts) {
        const again = (await (await stack().read(`${stack().stats}/v1/results/${rollout_id}/${event_id}`)).json()) as {
          same: boolean;
          differs: string[];
          recorded: { verdict: string };
        };
        expect(again).toMatchObject({ same: true, differs: [], recorded: { verdict: expect.any(String) } });
      }
      const nothing = `${stack().stats}/v1/results/${verdicts[0]?.rollout_id}/nothing`;
      expect((await stack().read(nothing)).status).toBe(404);
      expect((await fetch(nothing)).status).toBe(401);
    });

    it('every change is in the audit chain, and the chain is valid', async () => {
      expect(await stack().viewer.audit.verify()).toMatchObject({ ok: true, broken: [] });
      const page = await stack().viewer.audit.list({ limit: 1000 });
      await until(
        'every audit row to be in ClickHouse',
        async () =>
          (await stack().query<{ n: number }>('SELECT count() AS n FROM audit FINAL'))[0]?.n === page.items.length,
      );
    });
  });
}
