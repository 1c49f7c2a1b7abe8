import { topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GOOD, type Release, startRelease } from '../fixtures/release.ts';

let release: Release;
const LEASE_MS = '3000';
beforeAll(async () => {
  release = await startRelease('cut-off', {
    counts: { registries: 1, routers: 2, workers: 1 },
    env: { 'registry-1': { LEASE_MS } },
  });
});
afterAll(() => release?.end());
// Every fault was temporary: no record was treated as unusable.
afterEach(async () => {
  expect(await release.query('SELECT topic, consumer, reason, raw FROM dead_letters FINAL LIMIT 3')).toEqual([]);
});

const rows = () =>
  release.query<{ reason: string; arm: string; n: number }>(
    'SELECT reason, assigned_arm AS arm, uniqExact(event_id) AS n FROM predictions GROUP BY reason, arm',
  );

/** Each request has a new unit, so each router gives it to the candidate sooner or later. */
async function bothGiveTheCandidate(): Promise<void> {
  const seen = new Set<number>();
  await until(
    'both routers to give the candidate',
    async () => {
      for (const r of [0, 1])
        if ((await release.infer('x', {}, r)).headers.get('x-slipway-arm') === 'candidate') seen.add(r);
      return seen.size === 2;
    },
    60_000,
  );
}

describe('a router without Kafka', () => {
  let asked: string[] = [];

  it('serves control past its lease and reports it; reconnected, it gives the candidate its share again', async () => {
    const { id } = await release.rollOut(GOOD, {
      steps: [{ canary: { weight: '90%', until: { requests: 1_000_000 } } }, { switch: {} }],
      guardrails: [],
    });
    await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
    await until(
      'the candidate to answer',
      async () => (await release.infer('hello')).headers.get('x-slipway-arm') === 'candidate',
    );
    release.supervisor.kill('kafka', 'SIGSTOP');
    try {
      await until(
        'the lease to end',
        async () =>
          /slipway_router_lease_expired\{endpoint="spam"\} 1/.test(
            await (await fetch(`${release.routers[0]}/metrics`)).text(),
          ),
        30_000,
      );
      const answers = await Promise.all(Array.from({ length: 40 }, () => release.infer('hello')));
      asked = answers.map((a) => a.headers.get('x-request-id') as string);
      expect(
        answers.map((a) => `${a.status} ${a.headers.get('x-slipway-arm')} ${a.headers.get('x-slipway-version')}`),
      ).toEqual(answers.map(() => '200 control spam:1'));
      const assignment = await (
        await fetch(`${release.routers[0]}/v1/assignments`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ endpoint: 'spam', unit: 'anyone' }),
        })
      ).json();
      expect(assignment).toMatchObject({ assigned_arm: 'control', reason: 'lease_expired', version: 'spam:1' });
    } finally {
      release.supervisor.kill('kafka', 'SIGCONT');
    }
    await until(
      'the candidate to answer again',
      async () => (await release.infer('hello')).headers.get('x-slipway-arm') === 'candidate',
      60_000,
    );
    expect((await release.accountFor(asked)).missing).toEqual([]);
    expect((await rows()).find((r) => r.reason === 'lease_expired' && r.arm === 'control')?.n).toBeGreaterThanOrEqual(
      40,
    );
    await release.operator.rollouts.command({ id }, { command: 'rollBack', reason: 'on to the next test' });
    await release.reach(id, 'withdrawn', (r) => r.withdrawal?.complete === true, 30_000);
  });

  it('a rollback names the router that it could not reach', async () => {
    const { id } = await release.rollOut(GOOD, {
      steps: [{ canary: { weight: '50%', until: { requests: 1_000_000 } } }, { switch: {} }],
      guardrails: [],
    });
    await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
    await bothGiveTheCandidate();
    release.supervisor.kill('router-2', 'SIGSTOP');
    try {
      await release.operator.rollouts.command({ id }, { command: 'rollBack', reason: 'with one router frozen' });
      const settled = await release.reach(id, 'settled', (r) => (r.withdrawal?.applied.length ?? 0) > 0, 30_000);
      expect(settled.withdrawal).toMatchObject({ applied: ['router-1'], unreached: ['router-2'], complete: false });
    } finally {
      release.supervisor.kill('router-2', 'SIGCONT');
    }
    // resumed after its lease: not one answer by the candidate
    const thawed = await Promise.all(Array.from({ length: 20 }, () => release.infer('hello', {}, 1)));
    expect(thawed.map((a) => a.headers.get('x-slipway-arm'))).toEqual(thawed.map(() => 'control'));
  });

  it('starts and serves with the registry down, and from its last snapshot with Kafka down', async () => {
    const { supervisor } = release;
    await supervisor.stop('registry-1');
    await supervisor.stop('router-1');
    await supervisor.startAgain('router-1');
    expect((await release.infer('registry is down')).status).toBe(200);
    await supervisor.stop('router-1');
    supervisor.kill('kafka', 'SIGKILL', { restart: false });
    await until('Kafka to be gone', () => supervisor.pid('kafka') === undefined);
    await supervisor.startAgain('router-1');
    const answer = await release.infer('Kafka is down as well');
    expect([answer.status, answer.headers.get('x-slipway-version')]).toEqual([200, 'spam:1']);
    await supervisor.startAgain('kafka');
    await supervisor.startAgain('registry-1');
    expect((await release.accountFor([answer.headers.get('x-request-id') as string])).missing).toEqual([]);
  });

  it('a restored registry that is behind its topics raises the epoch, and its routers follow', async () => {
    const { supervisor } = release;
    const before = await release.operator.endpoints.get({ name: 'spam' });
    await supervisor.stop('registry-1');
    // the effect of restoring an older backup as seen on the topic: the topic is ahead
    const producer = release.kafka.producer();
    await producer.connect();
    const route = await lastRoute();
    await producer.send({
      topic: topics.routes.name,
      messages: [
        {
          key: 'spam',
          value: JSON.stringify({
            ...route,
            revision: { epoch: route.revision.epoch, n: route.revision.n + 100 },
            timeout_ms: 1234,
          }),
        },
      ],
    });
    await producer.disconnect();
    await supervisor.startAgain('registry-1');
    await until('the route of the new epoch', async () => {
      const now = await release.operator.endpoints.get({ name: 'spam' });
      return (now.route_revision?.epoch ?? 0) === (before.route_revision?.epoch ?? 0) + 1;
    });
    const { id } = await release.rollOut(GOOD, {
      steps: [{ canary: { weight: '99%', until: { requests: 1_000_000 } } }, { switch: {} }],
      guardrails: [],
    });
    await bothGiveTheCandidate();
    await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'done' });
  });
});

describe('a Kafka table of ClickHouse', () => {
  it('that a restart left detached is attached again by experiment-stats', async () => {
    await release.clickhouseClient.command({ query: 'DETACH TABLE slipway.predictions_queue SYNC' });
    const answer = await release.infer('hello');
    expect((await release.accountFor([answer.headers.get('x-request-id') as string])).missing).toEqual([]);
  });
});

describe('with a Kafka that does not respond', () => {
  it('routers, workers and readers of topics stop in order when told to, before the kill after 15 s', async () => {
    const { supervisor } = release;
    const names = ['router-1', 'worker-1', 'comparator-1', 'stats-1', 'drift-1'];
    supervisor.kill('kafka', 'SIGSTOP');
    const took: Record<string, number> = {};
    try {
      // A row is under way, and so is everybody's heartbeat.
      expect((await release.infer('x')).status).toBe(200);
      await Promise.all(
        names.map(async (name) => {
          const began = performance.now();
          await supervisor.stop(name);
          took[name] = performance.now() - began;
        }),
      );
    } finally {
      supervisor.kill('kafka', 'SIGCONT');
      for (const name of names) await supervisor.startAgain(name);
    }
    expect(Object.entries(took).filter(([, ms]) => ms > 14_500)).toEqual([]);
  });
});

async function lastRoute(): Promise<{ revision: { epoch: number; n: number } }> {
  let last: { revision: { epoch: number; n: number } } | undefined;
  let seen = -1;
  const admin = release.kafka.admin();
  await admin.connect();
  const [mark] = await admin.fetchTopicOffsets(topics.routes.name);
  await admin.disconnect();
  const consumer = release.kafka.consumer({ groupId: `test-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic: topics.routes.name, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen = Number(message.offset);
      if (message.key?.toString() === 'spam' && message.value)
        last = JSON.parse(message.value.toString()) as typeof last;
    },
  });
  await until('the end of the topic', () => seen >= Number(mark?.high ?? 0) - 1);
  await consumer.disconnect();
  if (!last) throw new Error('there is no route');
  return last;
}
