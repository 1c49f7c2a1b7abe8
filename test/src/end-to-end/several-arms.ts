import { randomUUID } from 'node:crypto';
import { routerClient } from '@slipway/client';
import { candidateShares } from '@slipway/release';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of releases.test.ts, which the root's vitest runs
import { afterAll, describe, expect, it } from 'vitest';
import { BAD, GOOD, type Release } from '../fixtures/release.ts';

/** How often a user of each arm comes back, and complains. */
const HABITS: Record<string, { kept: number; complained: number }> = {
  control: { kept: 0.3, complained: 0.05 },
  better: { kept: 0.8, complained: 0.05 },
  worse: { kept: 0.3, complained: 0.9 },
};
const SPLIT = { better: 0.4, worse: 0.2 };

/** An experiment of three arms; part of the suite of releases, on its stack. */
export function describeSeveralArms(stack: () => Release): void {
  describe('an experiment of three arms', () => {
    afterAll(() => stack().restore());

    /** Asks for one user after the other, each of whom does as the users of its arm do. @returns how to stop it */
    function callers(): () => Promise<string[]> {
      const key = stack().secrets.keys.viewer;
      const routers = stack().routers.map((url) => routerClient({ url, key }));
      const asked: string[] = [];
      let isOver = false;
      const one = async () => {
        while (!isOver) {
          const unit = randomUUID();
          const router = asked.push(unit) % routers.length;
          const headers = { 'x-slipway-unit': unit, 'x-request-id': unit, authorization: `Bearer ${key}` };
          const arm = (await stack().infer('a mail', headers, router)).headers.get('x-slipway-arm') ?? '';
          const { kept, complained } = HABITS[arm] as (typeof HABITS)[string];
          const outcome = (name: string, chance: number) => ({
            ...{ event_id: randomUUID(), endpoint: 'spam', name, unit, value: Number(Math.random() < chance) },
          });
          await routers[router]?.outcomes.post({
            outcomes: [outcome('kept', kept), outcome('complained', complained)],
          });
          await new Promise((resolve) => setTimeout(resolve, 60));
        }
      };
      const all = [1, 2, 3, 4].map(one);
      return async () => {
        isOver = true;
        await Promise.all(all);
        return asked;
      };
    }

    it('withdraws the one that harms, and is promoted to the one that is better', async () => {
      for (const [name, direction] of [
        ['kept', 'higher'],
        ['complained', 'lower'],
      ] as const)
        await stack().admin.metrics.put(
          { name },
          { kind: 'proportion', source: { outcome: name }, per: 'observed', direction },
        );
      const stop = callers();
      const rollout = await stack().operator.rollouts.create({
        endpoint: 'spam',
        candidates: [
          { name: 'better', model: 'spam', version: GOOD },
          { name: 'worse', model: 'spam', version: BAD },
        ],
        unit: 'user',
        guardrails: [{ metric: 'complained' }],
        steps: [{ dark: {} }, { experiment: { split: [40, 40, 20], goal: 'kept', until: { units: 300 } } }],
      });
      const { id } = await stack().operator.rollouts.command({ id: rollout.id }, { command: 'start' });
      const ended = await stack().reach(id, 'over', (r) => r.status !== 'running' && r.status !== 'created');
      expect(ended, ended.reason).toMatchObject({ status: 'promoted', winner: 'better' });
      expect(ended.withdrawn?.map((w) => w.arm)).toEqual(['worse']);
      expect(ended.withdrawn?.[0]?.reason).toContain('the candidate is worse than the control');
      expect((await stack().operator.endpoints.get({ name: 'spam' })).current.version).toBe(GOOD);
      const { missing } = await stack().accountFor(await stop());
      expect(missing).toEqual([]);
      await whatRowsSay(id, ended);
    });

    async function whatRowsSay(id: string, ended: Parameters<typeof candidateShares>[0]): Promise<void> {
      const rows = await stack().query<{ arm: string; reason: string; version: string; p: number; n: number }>(
        `SELECT assigned_arm AS arm, reason, served_version AS version, any(probability) AS p, count() AS n
          FROM predictions FINAL WHERE rollout_id = {id:String} AND step = 1 AND fallback_from = ''
          GROUP BY arm, reason, version ORDER BY arm, reason, version`,
        { id },
      );
      const of = (arm: string, reason = 'randomised') => rows.filter((r) => r.arm === arm && r.reason === reason);
      expect(candidateShares({ ...ended, step: 1, weight: 0.6 }).map((c) => [c.name, c.share])).toEqual(
        Object.entries(SPLIT),
      );
      expect(of('better')).toMatchObject([{ version: `spam:${GOOD}`, p: 0.4 }]);
      expect(of('worse')).toMatchObject([{ version: `spam:${BAD}`, p: 0.2 }]);
      expect(of('control')).toMatchObject([{ version: 'spam:1', p: 0.4 }]);
      // Those who would have been its users are control's, and no evidence.
      expect(of('control', 'withdrawn')).toMatchObject([{ version: 'spam:1', p: 1 }]);
      const [after] = await stack().query<{ n: number }>(
        `SELECT countIf(served_version = {bad:String}) AS n FROM predictions FINAL
          WHERE rollout_id = {id:String} AND toUInt64(splitByChar('.', route_revision)[2]) >= (
            SELECT min(toUInt64(splitByChar('.', route_revision)[2])) FROM predictions FINAL
            WHERE rollout_id = {id:String} AND reason = 'withdrawn')`,
        { id, bad: `spam:${BAD}` },
      );
      expect(after?.n, 'answers by the withdrawn candidate under the route without it').toBe(0);
      const arms = await stack().query('SELECT arm, version FROM arms WHERE rollout_id = {id:String} ORDER BY arm', {
        id,
      });
      expect(arms).toEqual([
        { arm: 'better', version: `spam:${GOOD}` },
        { arm: 'control', version: 'spam:1' },
        { arm: 'worse', version: `spam:${BAD}` },
      ]);
      expect(await stack().query("SELECT value FROM unknown_values WHERE column = 'assigned_arm'")).toEqual([]);
      const said = (await stack().operator.rollouts.evidence({ id })).items.find((e) =>
        e.arms.some((a) => a.arm === 'worse' && a.verdict === 'rollBack'),
      );
      expect(said).toMatchObject({ verdict: 'hold', reasons: ['worse:complained@worse'], alpha: 0.05 });
      const again = await stack().read(`${stack().stats}/v1/results/${id}/${said?.event_id}`);
      expect(await again.json()).toMatchObject({ same: true, differs: [], recorded: { arms: said?.arms } });
      expect(said?.numbers['arms']).toMatchObject({ worse: { threshold: 40 }, better: { threshold: 40 } });
    }
  });
}
