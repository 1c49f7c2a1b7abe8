import { randomUUID } from 'node:crypto';
import { assignmentPoint } from '@slipway/routing';
import { type PredictionRow, topics } from '@slipway/contracts';
import type { Arm } from '@slipway/core';
import { type Rollout } from '@slipway/release';
import type { AsOf } from '@slipway/experiment-stats/as-of';
import { until } from '@slipway/local';
import { type CountCell, isCrossed, mergeCells, ReturningUnits, type Sighting } from '@slipway/stats';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of counts.test.ts, which the root's vitest runs
import { beforeAll, describe, expect, it } from 'vitest';
import { type Builders, type Counting, sums } from './counting.ts';

/** Units that come back; part of the suite of the counts, on its stack. */
export function describeReturning(context: () => Counting, { rollout, prediction }: Builders): void {
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
          const arm: Arm = assignmentPoint(ramp.id, unit) < share ? 'candidate' : 'control';
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
        await context().send(topics.predictions.name, rows);
      }
      await until(
        'the predictions of a ramp',
        async () =>
          (
            await context().stack.query<{ n: number }>(
              `SELECT uniqExact(event_id) AS n FROM predictions WHERE rollout_id = '${ramp.id}'`,
            )
          )[0]?.n === n,
      );
      asOf = await context().counts.asOf(ramp);
      seen = await context().stack.query<Seen>(
        `SELECT unit, round(if(assigned_arm = 'candidate', probability, 1 - probability), 9) AS weight,
           assigned_arm AS arm, toString(arrived_at) AS at, toUnixTimestamp(arrived_at) AS second,
           toUInt8(status >= 400) AS failed
         FROM slipway.predictions FINAL WHERE rollout_id = '${ramp.id}' ORDER BY arrived_at, weight`,
      );
    });

    it('are judged given their earlier arms, by ClickHouse as by libs/stats', async () => {
      const units = new ReturningUnits();
      const found = { exposures: [] as CountCell[], errors: [] as CountCell[] };
      const add = (into: CountCell[], { second, arm }: Seen, weight: number | undefined) => {
        if (weight !== undefined)
          into.push({ second, weight, control: Number(arm === 'control'), candidate: Number(arm === 'candidate') });
      };
      for (const row of seen) add(found.exposures, row, units.exposed(row.unit, { share: row.weight, arm: row.arm }));
      for (const row of seen) if (row.failed) add(found.errors, row, units.event(row.unit, row.weight));
      expect(new Set(found.exposures.map((c) => c.weight)).size).toBeGreaterThan(8);
      expect(await context().counts.exposures(ramp, asOf)).toEqual(mergeCells(found.exposures));
      expect((await context().counts.errors(ramp, asOf)).cells).toEqual(mergeCells(found.errors));
      expect((await context().counts.totals(ramp, asOf)).crossed).toBe(0);
    });

    it('are left out of every count, and counted, when in both arms where the shares do not allow it', async () => {
      const crossing = seen.find((r) => r.weight === 0.05 && r.arm === 'control');
      if (!crossing) throw new Error('no control at 5 %');
      const before = sums(await context().counts.exposures(ramp, asOf));
      const row = prediction(crossing.unit, 'candidate', 0, { rollout_id: ramp.id, probability: 0.05, status: 500 });
      await context().send(topics.predictions.name, [row]);
      await until(
        'the crossing row',
        async () =>
          (
            await context().stack.query<{ n: number }>(
              `SELECT count() AS n FROM predictions WHERE request_id = '${row.request_id}'`,
            )
          )[0]?.n === 1,
      );
      const now = await context().counts.asOf(ramp);
      const arms = [crossing, row].map((r) => ('arm' in r ? r.arm : (r.assigned_arm as Arm)));
      expect(isCrossed(arms.map((arm) => ({ share: 0.05, arm })))).toBe(true);
      expect((await context().counts.totals(ramp, now)).crossed).toBe(1);
      const [was, is] = [before[0.05] as number[], sums(await context().counts.exposures(ramp, now))[0.05] as number[]];
      expect(is).toEqual([(was[0] as number) - 1, was[1]]);
      expect((await context().counts.totals({ ...ramp, step: 0 }, now)).control.units).toBe(
        (await context().counts.totals({ ...ramp, step: 0 }, asOf)).control.units - 1,
      );
    });

    it('find a candidate that has answered nothing since its requests were ejected', async () => {
      const gone: Rollout = { ...rollout, id: randomUUID() };
      const of = (change: Partial<PredictionRow>) =>
        context().send(topics.predictions.name, [
          prediction(randomUUID(), 'candidate', 1, { rollout_id: gone.id, ...change }),
        ]);
      const ejected = { reason: 'ejected', fallback_from: 'spam:2', served_version: 'spam:1' } as const;
      const rows = async (n: number) =>
        until(
          `${n} rows of a candidate`,
          async () =>
            (
              await context().stack.query<{ n: number }>(
                `SELECT count() AS n FROM predictions WHERE rollout_id = '${gone.id}'`,
              )
            )[0]?.n === n,
        );
      await of(ejected);
      await of({});
      await rows(2);
      expect(await context().counts.outOfService(gone, await context().counts.asOf(gone))).toBe(0);
      await of(ejected);
      await rows(3);
      await of({ status: 502 });
      await rows(4);
      const seconds = await context().counts.outOfService(gone, await context().counts.asOf(gone));
      const [row] = await context().stack.query<{ seconds: number }>(
        `SELECT dateDiff('millisecond', maxIf(arrived_at, reason = 'ejected'), max(arrived_at)) / 1000 AS seconds
         FROM slipway.predictions FINAL WHERE rollout_id = '${gone.id}'`,
      );
      expect(seconds).toBe(row?.seconds);
      expect(seconds).toBeGreaterThan(0);
    });
  });
}
