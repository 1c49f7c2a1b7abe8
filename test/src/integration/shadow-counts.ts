import { randomUUID } from 'node:crypto';
import { comparisonRow, comparisonRowSchema, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { insertSql } from '@slipway/platform';
import { ShadowCountsStore } from '@slipway/shadow-comparator/shadow-counts.store';
import { judgeShadow, type ShadowCounts } from '@slipway/stats';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of counts.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Builders, Counting } from './counting.ts';

/** The trials of a shadow; part of the suite of the counts, on its stack. */
export function describeShadow(context: () => Counting, { prediction }: Builders): void {
  const store = () => new ShadowCountsStore(context().clickhouse);
  const stepOf = (rollout: string) => ({ endpoint: 'spam', rollout, step: 0, since: Date.now() });
  const comparison = (rollout_id: string, request_id: string, unit: string, agree: boolean, result = 'paired') =>
    comparisonRowSchema.parse({
      event_id: randomUUID(),
      type: 'slipway.comparison.v1',
      source: 'test',
      time: Date.now(),
      ...{ request_id, trace_id: '', endpoint: 'spam', rollout_id, step: 0, unit },
      ...{ control_version: 'spam:1', candidate_version: 'spam:2', result, reason: '' },
      ...{ agree, noise: result === 'paired', noise_agree: agree, differences: [], max_difference: 0 },
      ...{ control_latency_us: 1, control_compute_us: 1, candidate_latency_us: 1, candidate_compute_us: 1 },
      ...{ noise_compute_us: 0, price: 0 },
    });

  describe('the trials of a shadow', () => {
    it("are each unit's first request once it has ended, and every request that names no unit", async () => {
      const id = randomUUID();
      const sampled = (request_id: string, unit: string, sequence: number) => ({
        ...prediction(unit, 'control', 0),
        ...{ request_id, rollout_id: id, shadow_rollout_id: id, shadow_step: 0, sequence },
      });
      const { send } = context();
      const counted = async (what: string, requests: number) => {
        await until(what, async () => (await store().counts(stepOf(id))).comparedRequests === requests);
        return store().counts(stepOf(id));
      };
      // One record: they arrive in one millisecond, in the order of their sequence.
      await send(topics.predictions.name, [
        sampled('ann-1', 'ann', 1),
        sampled('ann-2', 'ann', 2),
        sampled('ann-3', 'ann', 3),
        sampled('bob-1', 'bob', 4),
        sampled('nobody-1', '', 5),
        sampled('nobody-2', '', 6),
      ]);
      await until('the requests', async () => (await store().counts(stepOf(id))).sampled === 6);
      // ann's first request takes its time: no later one replaces it.
      await send(topics.comparisons.name, [
        comparison(id, 'ann-2', 'ann', true),
        comparison(id, 'ann-3', 'ann', true),
        comparison(id, 'bob-1', 'bob', true),
        comparison(id, 'nobody-1', '', false),
        comparison(id, 'nobody-2', '', false),
      ]);
      const before = { sampled: 6, paired: 5, compared: 3, disagreed: 2, noise: 3, noiseDisagreed: 2 };
      expect(await counted('five of them to be compared', 5)).toMatchObject(before);
      await send(topics.comparisons.name, [comparison(id, 'ann-1', 'ann', false)]);
      const after = { sampled: 6, paired: 6, compared: 4, disagreed: 3, noise: 4, noiseDisagreed: 3 };
      expect(await counted('the sixth', 6)).toMatchObject({ ...after, disagreedRequests: 3 });
    });

    it("are not lost with a first request that ended without a comparison: the unit's next one is used", async () => {
      const id = randomUUID();
      const counts = () => store().counts(stepOf(id));
      const { send } = context();
      await send(topics.comparisons.name, [comparison(id, 'cid-1', 'cid', true, 'shed')]);
      await until('the one that was shed', async () => (await counts()).shed === 1);
      expect(await counts()).toMatchObject({ sampled: 1, comparedRequests: 0, compared: 0 });
      await send(topics.comparisons.name, [comparison(id, 'cid-2', 'cid', false)]);
      await until('the next', async () => (await counts()).paired === 1);
      expect(await counts()).toMatchObject({ sampled: 2, comparedRequests: 1, compared: 1, disagreed: 1 });
    });

    it('roll back a candidate within its limit in at most 5 % of rollouts, with callers in bursts', async () => {
      const LIMIT = 0.1;
      const ROLLOUTS = 60;
      const LOOKS = 5;
      const ids = Array.from({ length: ROLLOUTS }, () => randomUUID());
      const judged = (c: ShadowCounts) =>
        judgeShadow({
          ...{
            alpha: 0.05,
            step: 0,
            maxExcess: LIMIT,
            noiseShare: 0,
            minPairs: 1e9,
            activeSeconds: 60,
            dwellSeconds: 10,
          },
          counts: c,
        }).verdict;
      const rolledBack = new Set<string>();
      const ifEachCounted = new Set<string>();
      for (let look = 0; look < LOOKS; look++) {
        // 60 more units; the candidate always answers a tenth of them differently; each sends 1 to 60 requests, most
        // few.
        await context().clickhouse.command({
          query: insertSql(
            comparisonRow,
            `SELECT formatRowNoNewline('JSONEachRow', request AS event_id, toUnixTimestamp64Milli(now64(3)) AS time,
                concat('q-', request) AS request_id, 'spam' AS endpoint, rollout AS rollout_id, unit,
                'paired' AS result,
                toBool(sipHash64(unit, 'differs') % 1000 >= ${LIMIT * 1000}) AS agree, true AS noise_agree) AS line,
              now64(3) AS arrived
            FROM (SELECT arrayJoin({ids:Array(String)}) AS rollout, arrayJoin(range(60)) AS n,
                concat(rollout, '-${look}-', toString(n)) AS unit,
                arrayJoin(range(toUInt32(least(60, 1 / (1 - (sipHash64(unit, 'asks') % 10000) / 10000))))) AS k,
                concat(unit, '-', toString(k)) AS request)`,
          ),
          query_params: { ids },
        });
        for (const id of ids) {
          const counts = await store().counts(stepOf(id));
          expect(counts.compared).toBe(60 * (look + 1));
          if (judged(counts) === 'rollBack') rolledBack.add(id);
        }
        const all = await context().stack.query<{ id: string; n: number; differ: number }>(
          `SELECT rollout_id AS id, count() AS n, countIf(NOT agree) AS differ FROM comparisons
           WHERE rollout_id IN {ids:Array(String)} GROUP BY id`,
          { ids },
        );
        const none = { failed: 0, expired: 0, shed: 0, noise: 0, noiseDisagreed: 0, computeSeconds: 0, price: 0 };
        for (const { id, n, differ } of all) {
          const each = {
            sampled: n,
            paired: n,
            comparedRequests: n,
            disagreedRequests: differ,
            compared: n,
            disagreed: differ,
            ...none,
          };
          if (judged(each) === 'rollBack') ifEachCounted.add(id);
        }
      }
      expect(rolledBack.size / ROLLOUTS).toBeLessThanOrEqual(0.05);
      // The result when every request was a trial: the bursts of this test break that rule.
      expect(ifEachCounted.size / ROLLOUTS).toBeGreaterThan(0.1);
    });
  });
}
