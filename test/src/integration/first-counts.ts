import { randomUUID } from 'node:crypto';
import { type Rollout } from '@slipway/release';
import { topics } from '@slipway/contracts';
import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of counts.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Builders, Counting } from './counting.ts';

/** First arrivals and odd values: baselines, outcomes and labels; part of the suite of the counts, on its stack. */
export function describeFirst(context: () => Counting, { rollout, prediction, outcome, metric }: Builders): void {
  describe('the latency baseline of an endpoint that is new', () => {
    it("is control's own first answers, and nothing up to the last of them is evidence", async () => {
      const fresh: Rollout = { ...rollout, id: randomUUID() };
      const line = (unit: string, arm: 'control' | 'candidate', latency_us: number) => ({
        ...prediction(unit, arm, 1),
        event_id: randomUUID(),
        rollout_id: fresh.id,
        latency_us,
      });
      const count = async () =>
        (
          await context().stack.query<{ n: number }>(
            `SELECT count() AS n FROM predictions WHERE rollout_id = '${fresh.id}'`,
          )
        )[0]?.n;
      const few = Array.from({ length: 499 }, (_, i) => line(`first-${i}`, 'control', 1000 + i));
      await context().send(topics.predictions.name, few);
      await until('the first rows', async () => (await count()) === 499);
      expect(await context().counts.baseline(fresh, await context().counts.asOf(fresh))).toEqual({
        edges: null,
        answers: 499,
      });
      await context().send(topics.predictions.name, [
        line('first-499', 'control', 1499),
        line('early', 'candidate', 1000),
      ]);
      await until('one more', async () => (await count()) === 501);
      const baseline = await context().counts.baseline(fresh, await context().counts.asOf(fresh));
      if (!baseline.edges) throw new Error('there is no baseline');
      expect([baseline.edges, baseline.answers]).toEqual([[1249, 1449, 1494], 500]);
      // the next second begins: only what arrives then is compared
      await until('the next second', async () => Math.floor(Date.now() / 1000) > baseline.until + 1);
      await context().send(topics.predictions.name, [
        line('late-c', 'control', 1200),
        line('late-t', 'candidate', 5000),
      ]);
      await until('what comes after', async () => (await count()) === 503);
      const cells = await context().counts.latency(fresh, await context().counts.asOf(fresh), baseline, 1);
      const sum = (arm: 'control' | 'candidate') => cells.reduce((n, c) => n + c[arm].reduce((a, b) => a + b, 0), 0);
      expect([sum('control'), sum('candidate')]).toEqual([1, 1]);
    });
  });

  describe('an outcome that arrives before its prediction', () => {
    it('is counted when the prediction comes', async () => {
      const early: Rollout = { ...rollout, id: randomUUID() };
      const fact = outcome(1, { unit: 'overtaken', name: 'bought' });
      await context().send(topics.outcomes.name, [fact]);
      await until(
        'the outcome',
        async () =>
          (await context().stack.query(`SELECT 1 FROM outcomes WHERE event_id = '${fact.event_id}'`)).length > 0,
      );
      const bought = metric({ source: { outcome: 'bought' }, per: 'observed' });
      const step = async () =>
        (await context().counts.outcomes(early, await context().counts.asOf(early), bought)).step.candidate;
      expect(await step()).toEqual({ units: 0, events: 0 });
      await context().send(topics.predictions.name, [
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
      await context().send(topics.predictions.name, rows);
      const name = 'bracketed';
      await context().send(
        topics.outcomes.name,
        rows.map((r) => outcome(r.unit === 'label' ? '[urgent]' : 'other', { request_id: r.request_id, name })),
      );
      const landed = (table: string, where: string) =>
        until(
          table,
          async () =>
            (
              await context().stack.query<{ n: number }>(`SELECT uniqExact(event_id) AS n FROM ${table} WHERE ${where}`)
            )[0]?.n === 4,
        );
      await landed('predictions', `rollout_id = '${other.id}'`);
      await landed('outcomes', `name = '${name}'`);
      const misfiled = metric({ source: { outcome: name, compare: { differs_from: 'class' } } });
      const counted = await context().counts.outcomes(other, await context().counts.asOf(other), misfiled);
      // '[1] of 2' looks like a long list, and cannot be distinguished from one.
      expect(counted.step.candidate).toEqual({ units: 1, events: 0 });
      const lists = await context().stack.query<{ unit: string; list: number }>(
        `SELECT unit, slipway_is_list(outputs['class']) AS list
          FROM predictions FINAL WHERE rollout_id = '${other.id}' ORDER BY unit`,
      );
      expect(lists.map((l) => `${l.unit} ${l.list}`)).toEqual(['label 0', 'list 1', 'long 1', 'odd 1']);
    });
  });
}
