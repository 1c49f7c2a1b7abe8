import { type AuditRow, type Route, topics } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';
import { armsOf, mainBranch, RouteReplay, trafficOf } from '@slipway/routing';
import { createKafka, createLogger, readTopic } from '@slipway/platform';
import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of releases.test.ts, which the root's vitest runs
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAD, GOOD, type Release } from '../fixtures/release.ts';

/** What the rows and the audit show about a request; part of the suite of releases, on its stack. */
export function describeExplanation(stack: () => Release): void {
  describe('explanation', () => {
    /** The rollout that promoted GOOD, and the number of the route before it. */
    let promoted = '';
    let before = 0;
    beforeAll(async () => {
      before = (await stack().operator.endpoints.get({ name: 'spam' })).route_revision?.n ?? Number.NaN;
      const sender = stack().sender(80);
      const good = await stack().rollOut(GOOD, {
        steps: [
          { canary: { weight: '20%', until: { requests: 60 } } },
          { canary: { weight: '50%', until: { requests: 60 } } },
          { switch: {} },
          { watch: { for: '2s', holdBack: '10%' } },
        ],
      });
      promoted = good.id;
      await stack().reach(promoted, 'promoted', (r) => r.status === 'promoted');
      const bad = await stack().rollOut(BAD, {
        steps: [{ canary: { weight: '20%', until: { requests: 5000 } } }, { switch: {} }],
      });
      await stack().reach(bad.id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
      await until('the bad candidate to answer', () => (sender.counters.byVersion[`spam:${BAD}`] ?? 0) > 0);
      await stack().operator.rollouts.command({ id: bad.id }, { command: 'rollBack', reason: 'seen enough' });
      await sender.stop();
      await stack().accountFor(sender.answers.map((a) => a.id));
    });
    afterAll(() => stack().restore());

    async function audit(): Promise<AuditRow[]> {
      const rows: AuditRow[] = [];
      await readTopic(
        createKafka('test', stack().kafkaBrokers.split(','), createLogger('test', 'test', 'silent')),
        topics.audit,
        (row) => rows.push(row ?? expect.fail('a record of audit.v1 is no audit row')),
      );
      return rows;
    }

    describe('the explanation of a request', () => {
      it('names version, arm, probability, revision, rollout, step, who approved, and the evidence', async () => {
        const [row] = await stack().query<{ id: string; rollout_id: string }>(
          `SELECT request_id AS id, rollout_id
            FROM predictions FINAL
            WHERE rollout_id = {promoted:String} AND step = 1 AND assigned_arm = 'candidate' AND probability = 0.5
            LIMIT 1`,
          { promoted },
        );
        const explained = await stack().viewer.call<Record<string, unknown>>('GET', `/v1/requests/${row?.id}`);
        expect(explained).toMatchObject({
          request_id: row?.id,
          endpoint: 'spam',
          version: `spam:${GOOD}`,
          arm: 'candidate',
          probability: 0.5,
          reason: 'randomised',
          rollout: {
            id: row?.rollout_id,
            step: 1,
            candidates: [{ name: 'candidate', model: 'spam', version: GOOD }],
            control: { model: 'spam', version: 1 },
            status_now: 'promoted',
          },
          placed_by: null,
          approved_by: [],
          commands: [
            { actor: 'operator', action: 'create' },
            { actor: 'operator', action: 'start', reason: 'test' },
          ],
        });
        const { evidence } = explained as { evidence: { event_id: string; sentence: string } };
        const [stored] = await stack().query<{ sentence: string; verdict: string }>(
          'SELECT sentence, verdict FROM evidence FINAL WHERE event_id = {id:String}',
          { id: evidence.event_id },
        );
        expect(stored).toMatchObject({ verdict: 'advance', sentence: evidence.sentence });
      });
      it("names as approvals only what let the candidate go on: a person's promotion, not every command", async () => {
        const { id } = await stack().rollOut(BAD, {
          steps: [
            { canary: { weight: '20%', until: { requests: 1_000_000 } } },
            { canary: { weight: '60%', until: { requests: 1_000_000 } } },
            { switch: {} },
          ],
          guardrails: [],
        });
        await stack().reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
        await stack().operator.rollouts.command({ id }, { command: 'pause', reason: 'lunch' });
        await stack().operator.rollouts.command({ id }, { command: 'resume', reason: 'back' });
        await stack().operator.rollouts.command({ id }, { command: 'promote', reason: 'I take the blame' });
        await stack().reach(id, 'in its second step', (r) => r.step === 1 && r.visits.at(-1)?.phase === 'active');
        let asked = '';
        await until('an answer in the second step', async () => {
          const answer = await stack().infer('approved?', { 'x-slipway-unit': `u${Math.random()}` });
          asked = answer.headers.get('x-request-id') as string;
          await stack().accountFor([asked]);
          const [row] = await stack().query(
            'SELECT 1 FROM predictions WHERE request_id = {asked:String} AND step = 1',
            {
              asked,
            },
          );
          return row !== undefined;
        });
        const explained = await stack().viewer.requests.get({ id: asked });
        expect(explained).toMatchObject({
          rollout: { id, step: 1 },
          approved_by: [{ actor: 'operator', role: 'operator', action: 'promote', reason: 'I take the blame' }],
        });
        expect(explained.commands.map((c) => c.action)).toEqual(['create', 'start', 'pause', 'resume', 'promote']);
        await stack().operator.rollouts.command({ id }, { command: 'rollBack', reason: 'enough' });
        await stack().reach(id, 'withdrawn', (r) => r.withdrawal?.complete === true);
      });
      it('names after a promotion the rollout that promoted the version, and reports unknown requests', async () => {
        const answer = await stack().infer('outside');
        const id = answer.headers.get('x-request-id') as string;
        await stack().accountFor([id]);
        expect(await stack().viewer.requests.get({ id })).toMatchObject({
          version: `spam:${GOOD}`,
          rollout: {
            step: null,
            candidates: [{ name: 'candidate', model: 'spam', version: GOOD }],
            status_now: 'promoted',
          },
          placed_by: { action: 'promote', version: `spam:${GOOD}` },
          approved_by: [],
          commands: [{ action: 'create' }, { action: 'start' }],
          evidence: { event_id: expect.any(String) },
          reason: 'rule',
          sentence: expect.stringMatching(/; rollout [0-9a-f-]{36} had promoted spam:2\.$/),
          trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        });
        await expect(stack().viewer.requests.get({ id: 'nobody' })).rejects.toThrow(
          'there is no row of request nobody',
        );
      });
    });

    describe('the replay of audit.v1', () => {
      it('rebuilds every route, and every row that the routers logged fits the route of its revision', async () => {
        const replay = new RouteReplay();
        for (const row of await audit()) replay.apply(row);
        expect(replay.broken).toEqual([]);
        const rows = await stack().query<{
          route_revision: string;
          rollout_id: string;
          step: number;
          assigned_arm: string;
          probability: number;
          served_version: string;
          fallback_from: string;
          reason: string;
          t: number;
          n: number;
        }>(
          `SELECT route_revision, rollout_id, step, assigned_arm, probability, served_version, fallback_from, reason,
            min(toUnixTimestamp64Milli(time)) AS t, count() AS n
            FROM predictions FINAL
            GROUP BY ALL`,
        );
        // Of this part alone there are so many routes.
        const revisions = new Set(rows.map((r) => r.route_revision));
        expect([...revisions].filter((r) => Number(r.split('.')[1]) >= before).length).toBeGreaterThan(5);
        for (const r of rows) {
          const route = replay.atRevision('spam', r.route_revision);
          expect(route, `revision ${r.route_revision}`).toBeDefined();
          const branch = mainBranch(route as Route);
          const rollout = trafficOf(branch);
          expect([r.rollout_id, r.step]).toEqual([rollout?.id ?? '', rollout?.step ?? -1]);
          const arm = armsOf(branch).find((a) => a.name === r.assigned_arm);
          // A user of a withdrawn candidate is certain to be answered by control.
          const isCertain = !rollout || r.reason === 'withdrawn';
          expect(r.probability).toBeCloseTo(isCertain ? 1 : (arm?.share ?? Number.NaN), 9);
          const target = arm?.target;
          // A candidate that was withdrawn while it worked: control answered, and the row names the assigned version.
          expect(r.fallback_from === '' ? r.served_version : r.fallback_from).toBe(target ? formatVersion(target) : '');
          if (r.fallback_from !== '') expect(r.served_version).toBe(formatVersion(branch.target));
          // at the instant of the answer the route was in force already
          const then = replay.at('spam', r.t);
          expect((then?.revision.n ?? 0) >= (route?.revision.n ?? Number.POSITIVE_INFINITY)).toBe(true);
        }
        // the present is the end of the replay
        const now = await stack().operator.endpoints.get({ name: 'spam' });
        expect(replay.at('spam', Date.now())?.revision).toEqual(now.route_revision);
      });
      it('names the row that was changed on the way', async () => {
        const rows = await audit();
        const at = rows.findIndex((r) => r.aggregate === 'route/spam' && r.n === 3);
        const forged = rows.map((r, i) => (i === at ? { ...r, actor: 'somebody else' } : r));
        const replay = new RouteReplay();
        for (const row of forged) replay.apply(row);
        expect(replay.broken).toEqual([{ aggregate: 'route/spam', n: 3, why: 'its content does not have its hash' }]);
        const without = new RouteReplay();
        for (const row of rows.filter((_, i) => i !== at)) without.apply(row);
        expect(without.broken[0]).toMatchObject({ aggregate: 'route/spam', n: 4, why: 'row 3 is missing' });
      });
      it('is complete in Postgres too', async () => {
        await until('the verification', async () => (await stack().viewer.audit.verify()).ok);
      });
    });
  });
}
