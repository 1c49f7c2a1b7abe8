import { until } from '@slipway/local';
import type { Bundle } from '@slipway/model';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of clients.test.ts, which the root's vitest runs
import { beforeAll, describe, expect, it } from 'vitest';
import type { Release, Spec } from '../fixtures/release.ts';
import { runPython } from '../fixtures/python.ts';

type Sent = { predictions: number; outcomes: number; pairs: number; arms: Record<'control' | 'candidate', number> };

/** A service that serves its own models; part of the suite of clients, on its stack. */
export function describeForeignEvents(stack: () => Release): void {
  /** It needs a key. */
  const router = () => stack().routers[1] as string;
  const serve = (...args: string[]) =>
    runPython(
      'examples/foreign-service/serve.py',
      [
        '--router',
        router(),
        '--brokers',
        stack().kafkaBrokers,
        '--endpoint',
        'fraud',
        '--seconds',
        '100',
        '--per-second',
        '150',
        ...args,
      ],
      { env: { SLIPWAY_KEY: stack().secrets.keys.viewer } },
    );
  const start = async (version: number, steps: Spec['steps'], rest: object = {}) => {
    const { id } = await stack().operator.rollouts.create({
      endpoint: 'fraud',
      candidate: { model: 'fraud', version },
      unit: 'user',
      steps,
      ...rest,
    });
    await stack().operator.rollouts.command({ id }, { command: 'start', reason: 'served by others' });
    return id;
  };

  describe('a service in another language that serves its own models', () => {
    beforeAll(async () => {
      const { admin, operator } = stack();
      await admin.models.create({ name: 'fraud' });
      const signature: Bundle['signature'] = {
        inputs: [{ name: 'amount', datatype: 'FP32', shape: [-1, 1] }],
        outputs: [{ name: 'fraud', datatype: 'INT64', shape: [-1, 1] }],
      };
      // Slipway never calls the service: it serves by itself.
      for (const n of [1, 2, 3])
        await admin.versions.register(
          { model: 'fraud' },
          {
            bundle: {
              artifact: { sha256: String(n).repeat(64), uri: 'https://models.example/fraud' },
              signature,
              infra: { url: 'http://127.0.0.1:9' },
            },
          },
        );
      await admin.metrics.put(
        { name: 'missed_fraud' },
        {
          kind: 'proportion',
          source: { outcome: 'label', compare: { differs_from: 'fraud' } },
          per: 'observed',
          direction: 'lower',
          margin: 2,
        },
      );
      await operator.endpoints.put({ name: 'fraud' }, { model: 'fraud', version: 1 });
      const metadata = `${router()}/v2/models/fraud`;
      await until('the router to know the endpoint', async () => (await stack().read(metadata)).ok);
      expect((await fetch(metadata)).status, 'without a key').toBe(401);
    });

    it('takes its candidate through shadow, canary and promotion on nothing but events of its own', async () => {
      const id = await start(
        2,
        [
          { shadow: { sample: '50%', maxExcessDisagreement: '10%', until: { pairs: 80 } } },
          { canary: { weight: '50%', until: { requests: 150 } } },
          { switch: {} },
        ],
        { guardrails: [{ metric: 'missed_fraud' }] },
      );
      const python = serve();
      const rollout = await stack().reach(
        id,
        'promoted',
        (r) => r.status === 'promoted' || r.status === 'rolledBack',
        100_000,
      );
      expect(rollout.status, rollout.reason).toBe('promoted');
      const sent = JSON.parse(await python.done) as Sent;
      expect(sent.arms.candidate).toBeGreaterThan(150);
      // (The pages have the same service run for another endpoint.)
      const ours = "source = 'fraud-service' AND endpoint = 'fraud'";
      // CloudEvents and bare rows, some of them twice: each counts once
      const count = async (sql: string) => (await stack().query<{ n: number }>(sql))[0]?.n ?? 0;
      await until(
        'every prediction',
        async () => (await count(`SELECT count() AS n FROM predictions FINAL WHERE ${ours}`)) === sent.predictions,
      );
      await until(
        'every outcome',
        async () => (await count(`SELECT count() AS n FROM outcomes FINAL WHERE ${ours}`)) === sent.outcomes,
      );
      await until(
        'every comparison',
        async () =>
          (await count(`SELECT count() AS n FROM comparisons FINAL WHERE rollout_id = '${id}'`)) === sent.pairs,
      );
      expect(await stack().query('SELECT reason FROM dead_letters FINAL')).toEqual([]);
      const arms = await stack().query<{ arm: string; n: number }>(
        `SELECT assigned_arm AS arm, count() AS n FROM predictions FINAL WHERE ${ours} GROUP BY arm`,
      );
      expect(Object.fromEntries(arms.map((a) => [a.arm, a.n]))).toEqual(sent.arms);
      const evidence = (await stack().operator.rollouts.evidence({ id })).items;
      expect(evidence.filter((e) => e.verdict === 'advance').map((e) => e.analyser)).toEqual(
        expect.arrayContaining(['shadow-comparator', 'experiment-stats']),
      );
    });

    it('gets its candidate rolled back because of errors that only it has seen', async () => {
      const id = await start(3, [{ canary: { weight: '50%', until: { requests: 100_000 } } }, { switch: {} }]);
      const python = serve('--candidate-errors', '0.2');
      const rollout = await stack().reach(id, 'rolled back', (r) => r.status !== 'running', 90_000);
      expect([rollout.status, rollout.reason.includes('error_rate')]).toEqual(['rolledBack', true]);
      await python.done;
    });

    it('has its unusable events set aside with the reason, without affecting the others', async () => {
      const { kafka } = stack();
      const producer = kafka.producer();
      await producer.connect();
      await producer.send({
        topic: 'slipway.shadow-pairs.v1',
        messages: [
          {
            key: 'x',
            value: '{"request_id":"x","endpoint":"fraud","rollout_id":"no uuid","step":0,"time":1}',
            headers: { ce_id: 'bad-1' },
          },
          {
            key: 'y',
            value: JSON.stringify({
              event_id: 'bad-2',
              request_id: 'y',
              endpoint: 'fraud',
              rollout_id: '0198c0de-0000-7000-8000-000000000001',
              step: 0,
              time: 1,
            }),
          },
        ],
      });
      await producer.send({
        topic: 'slipway.predictions.v1',
        messages: [{ value: '{"request_id":"z","endpoint":"fraud"}', headers: { ce_id: 'bad-3' } }],
      });
      await producer.disconnect();
      await until(
        'three dead letters',
        async () => (await stack().query('SELECT * FROM dead_letters FINAL')).length === 3,
        30_000,
      );
      const reasons = (await stack().query<{ reason: string }>('SELECT reason FROM dead_letters FINAL'))
        .map((r) => r.reason)
        .sort();
      expect(reasons).toEqual([
        expect.stringContaining('rollout_id: Invalid UUID'),
        'rollout_id: there is no rollout 0198c0de-0000-7000-8000-000000000001',
        'time: must be milliseconds since the epoch',
      ]);
    });
  });
}
