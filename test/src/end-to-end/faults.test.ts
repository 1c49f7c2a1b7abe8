import { type Rollout, topics } from '@slipway/contracts';
import type { Sender } from '@slipway/example-spam-filter';
import { sleep, until } from '@slipway/local';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GOOD, type Release, startRelease } from '../fixtures/release.ts';

let release: Release;
let sender: Sender;
/** A canary that goes on for as long as the test needs it. */
const LONG = { steps: [{ canary: { weight: '50%', until: { requests: 1_000_000 } } }, { switch: {} }], guardrails: [{ metric: 'error_rate', maxRatio: 50 }] };

beforeAll(async () => {
  release = await startRelease('faults', { counts: { registries: 1, routers: 2, workers: 2 } });
  await until('both workers to have version 1 warm', async () => {
    const ready = await Promise.all(release.workers.map(async (w) => (await fetch(`${w}/v2/models/spam/versions/1/ready`)).ok));
    return ready.every(Boolean);
  });
});
afterAll(() => release?.end());

async function underLoad(perSecond: number, spec: object = LONG): Promise<Rollout> {
  const { id } = await release.rollOut(GOOD, spec);
  sender = release.sender(perSecond);
  const rollout = await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
  await until('both versions to answer', () => (sender.counters.byVersion['spam:1'] ?? 0) > 5 && (sender.counters.byVersion[`spam:${GOOD}`] ?? 0) > 5);
  await until('the candidate to be on both workers', async () => (await Promise.all(release.workers.map(async (w) => (await fetch(`${w}/v2/models/spam/versions/${GOOD}/ready`)).ok))).every(Boolean));
  return rollout;
}

/** Answers go on: so many more than now. */
async function moreAnswers(n: number, timeoutMs = 60_000): Promise<void> {
  const before = sender.counters.answered;
  await until(`${n} more answers`, () => sender.counters.answered >= before + n, timeoutMs);
}

describe('faults under load, during a live rollout', () => {
  let rollout: Rollout | undefined;
  afterEach(async () => {
    await sender.stop();
    const { missing } = await release.accountFor(sender.answers.map((a) => a.id));
    expect(missing, 'answered predictions that are no rows').toEqual([]);
    // nothing was counted twice, and the sequence numbers of every boot of every router have no gaps
    const [repeats] = await release.query<{ n: number }>('SELECT count() - uniqExact(event_id) AS n FROM predictions FINAL');
    expect(repeats?.n).toBe(0);
    await until('the routers to have no gaps', async () => ((await release.query<{ missing: number }>('SELECT sum(missing) AS missing FROM router_accounting'))[0]?.missing ?? 1) === 0, 30_000);
    await until('every outcome to be a row', async () => ((await release.query<{ n: number }>('SELECT uniqExact(event_id) AS n FROM outcomes'))[0]?.n ?? 0) >= sender.counters.outcomesPosted, 90_000);
    if (rollout) {
      const now = await release.operator.rollout(rollout.id);
      if (now.status === 'running' || now.status === 'paused') await release.operator.command(rollout.id, 'abort', 'the test is over');
    }
    rollout = undefined;
    expect(await release.viewer.call('GET', '/v1/audit/verification')).toMatchObject({ ok: true });
  });

  it('a worker killed with -9: no user request fails while another target lives', async () => {
    rollout = await underLoad(60);
    const { supervisor } = release;
    const restarts = supervisor.restarts('worker-1');
    supervisor.kill('worker-1', 'SIGKILL');
    await moreAnswers(120);
    await until('the supervisor to have started it again', () => supervisor.restarts('worker-1') > restarts);
    await supervisor.whenReady('worker-1');
    await moreAnswers(30);
    expect(sender.failures).toEqual([]);
  });

  it('a router killed with -9 under load loses no answered prediction', async () => {
    rollout = await underLoad(60);
    const { supervisor } = release;
    for (let i = 0; i < 3; i++) {
      await moreAnswers(40);
      supervisor.kill('router-1', 'SIGKILL');
      await moreAnswers(20);
      await supervisor.whenReady('router-1');
    }
    const boots = await release.query<{ boots: number }>("SELECT uniqExact(boot) AS boots FROM predictions WHERE router = 'router-1'");
    expect(boots[0]?.boots).toBeGreaterThanOrEqual(2);
    // Requests that were on the killed router broke off with it; nothing else failed.
    expect(sender.failures.filter((f) => f.status !== 0)).toEqual([]);
  });

  it('Kafka away for 20 s: no user request fails, nothing is lost', async () => {
    rollout = await underLoad(60);
    const { supervisor } = release;
    supervisor.kill('kafka', 'SIGSTOP');
    const began = Date.now();
    while (Date.now() - began < 20_000) {
      await moreAnswers(20);
      await sleep(100);
    }
    supervisor.kill('kafka', 'SIGCONT');
    await moreAnswers(60);
    expect(sender.failures).toEqual([]);
    const router = await (await fetch(`${release.routers[0]}/metrics`)).text();
    expect(router).toMatch(/slipway_router_journal_refused_rows\{journal="predictions"\} 0/);
    // evidence comes again, and the rollout is where it was
    const thawed = Date.now();
    await until('evidence that was published since', async () => ((await (await fetch(`${release.stats}/v1/results/${rollout?.id}`)).json()) as { time: number }).time > thawed, 60_000);
    expect(await release.operator.rollout(rollout.id)).toMatchObject({ status: 'running', step: 0, weight: 0.5 });
  });

  it('the registry killed between two steps: the rollout goes on, and no state is skipped or doubled', async () => {
    rollout = await underLoad(80, {
      guardrails: [{ metric: 'error_rate', maxRatio: 50 }],
      steps: [{ canary: { weight: '20%', until: { requests: 40, for: '2s' } } }, { canary: { weight: '50%', until: { requests: 40, for: '2s' } } }, { switch: {} }, { watch: { for: '2s', holdBack: '10%' } }],
    });
    const { supervisor } = release;
    const id = rollout.id;
    for (const step of [1, 3]) {
      // between an advance and what follows from it: kill as soon as the next step shows
      await release.reach(id, `in step ${step}`, (r) => r.step >= step);
      supervisor.kill('registry-1', 'SIGKILL');
      await supervisor.whenReady('registry-1');
    }
    const after = await release.reach(id, 'promoted', (r) => r.status === 'promoted' || r.status === 'rolledBack');
    expect(after.status, after.reason).toBe('promoted');
    expect(after.visits.map((v) => [v.step, v.weight, v.phase])).toEqual([[0, 0.2, 'done'], [1, 0.5, 'done'], [2, 0.9, 'done'], [3, 0.9, 'done']]);
    expect(sender.failures).toEqual([]);
    // Postgres: each revision once, in order; Kafka: revisions only grow, and the last is the last
    const audit = await release.viewer.call<{ items: { n: number; action: string; state: { revision: { n: number } } }[] }>('GET', `/v1/audit?aggregate=rollout/${id}`);
    expect(audit.items.map((a) => a.n)).toEqual(audit.items.map((_, i) => i + 1));
    expect(audit.items.map((a) => a.state.revision.n)).toEqual(audit.items.map((_, i) => i + 1));
    expect(audit.items.filter((a) => a.action === 'advance' || a.action === 'activate').map((a) => a.action)).toEqual(['activate', 'advance', 'activate', 'advance', 'activate', 'advance', 'activate', 'advance']);
    const published: number[] = [];
    const consumer = release.kafka.consumer({ groupId: `test-${Date.now()}` });
    await consumer.connect();
    await consumer.subscribe({ topic: topics.rollouts.name, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void (message.key?.toString() === id && message.value && published.push((JSON.parse(message.value.toString()) as Rollout).revision.n)) });
    await until('the last revision on Kafka', () => published.includes(after.revision.n));
    await consumer.disconnect();
    expect(published).toEqual([...published].sort((a, b) => a - b));
    // version 2 serves by now: back to version 1 for whoever comes next
    await release.operator.call('POST', '/v1/endpoints/spam/rollback', { reason: 'the test is over' });
  });
});
