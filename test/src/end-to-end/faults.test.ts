// Over 300 lines: the faults share one stack, one rollout under way and one accounting at the end.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Rollout } from '@slipway/release';
import { topics } from '@slipway/contracts';
import type { Sender } from '@slipway/example-spam-filter';
import { sleep, until } from '@slipway/local';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GOOD, type Release, startRelease } from '../fixtures/release.ts';
import { root } from '../fixtures/stack.ts';

let release: Release;
let sender: Sender;
/** Outcomes that the senders of earlier tests posted. */
let postedBefore = 0;
/** A canary that lasts as long as the test needs it. */
const LONG = {
  steps: [{ canary: { weight: '50%', until: { requests: 1_000_000 } } }, { switch: {} }],
  guardrails: [{ metric: 'error_rate', maxRatio: 50 }],
};
/** A shadow that lasts as long. */
const SHADOW = {
  steps: [
    {
      shadow: {
        maxExcessDisagreement: '60%',
        until: { pairs: 1_000_000 },
        deadline: '60s',
        compare: { fields: ['class'] },
      },
    },
    { canary: { weight: '50%' } },
  ],
  guardrails: [],
};
const SERVICES = [
  'registry-1',
  'registry-2',
  'router-1',
  'router-2',
  'worker-1',
  'worker-2',
  'stats-1',
  'comparator-1',
  'drift-1',
];
const STORES = ['kafka', 'postgres', 'clickhouse'];
const clockFolder = join(root, '.slipway', 'test', `clock-${process.pid}`);
const clock = join(clockFolder, 'offset');
/** The wall clock of every service jumps. */
const jump = (ms: number) => writeFileSync(clock, String(ms));

beforeAll(async () => {
  mkdirSync(clockFolder, { recursive: true });
  jump(0);
  const wound = {
    NODE_OPTIONS: `--import ${pathToFileURL(join(root, 'test', 'src', 'fixtures', 'clock.mjs')).href}`,
    TEST_CLOCK: clock,
  };
  release = await startRelease('faults', {
    counts: { registries: 2, routers: 2, workers: 2 },
    env: {
      ...Object.fromEntries(SERVICES.map((name) => [name, wound])),
      'router-2': { ...wound, JOURNAL_FULL: 'refuse' },
    },
  });
  await until('both workers to have version 1 warm', async () => {
    const ready = await Promise.all(
      release.workers.map(async (w) => (await fetch(`${w}/v2/models/spam/versions/1/ready`)).ok),
    );
    return ready.every(Boolean);
  });
});
afterAll(async () => {
  await release?.end();
  rmSync(clockFolder, { recursive: true, force: true });
});

async function underLoad(perSecond: number, spec: object = LONG): Promise<Rollout> {
  const { id } = await release.rollOut(GOOD, spec);
  sender = release.sender(perSecond);
  reported = 0;
  const rollout = await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
  if (rollout.weight === 0) return rollout;
  await until(
    'both versions to answer',
    () => (sender.counters.byVersion['spam:1'] ?? 0) > 5 && (sender.counters.byVersion[`spam:${GOOD}`] ?? 0) > 5,
  );
  await until('the candidate to be on both workers', async () =>
    (
      await Promise.all(
        release.workers.map(async (w) => (await fetch(`${w}/v2/models/spam/versions/${GOOD}/ready`)).ok),
      )
    ).every(Boolean),
  );
  return rollout;
}

let reported = 0;
/** The failures since the last call. */
function failuresNow(): Sender['failures'] {
  const fresh = sender.failures.slice(reported);
  reported = sender.failures.length;
  return fresh;
}

/** Waits for this many more answers. */
async function moreAnswers(n: number, timeoutMs = 60_000): Promise<void> {
  const before = sender.counters.answered;
  await until(`${n} more answers`, () => sender.counters.answered >= before + n, timeoutMs);
}

/** Whether both routers see that both workers answer for what the endpoint serves. */
async function bothWorkersServe(): Promise<boolean> {
  const { current } = await release.operator.endpoints.get({ name: 'spam' });
  const line = `slipway_router_targets{endpoint="spam",version="spam:${current.version}",state="up"} 2`;
  return (
    await Promise.all(release.routers.map(async (r) => (await (await fetch(`${r}/metrics`)).text()).includes(line)))
  ).every(Boolean);
}

describe('faults under load, during a rollout', () => {
  let rollout: Rollout | undefined;
  afterEach(async ({ task }) => {
    // The kills share one rollout and one sender.
    if (task.name.includes('killed with -9: it comes back') && !task.name.startsWith(SERVICES.at(-1) as string)) return;
    await sender.stop();
    const { missing } = await release.accountFor(sender.answers.map((a) => a.id));
    expect(missing, 'answered predictions that are no rows').toEqual([]);
    // nothing was counted twice, and the sequence numbers of every boot of every router have no gaps (by request and by
    // sequence number: FINAL has merged rows with equal event ids before anything is counted)
    const [repeats] = await release.query<{ requests: number; sequences: number }>(
      `SELECT count() - uniqExact(request_id) AS requests, count() - uniqExact(router, boot, sequence) AS sequences
        FROM predictions FINAL`,
    );
    expect(repeats).toEqual({ requests: 0, sequences: 0 });
    // every fault was temporary: no record was treated as unusable
    expect(await release.query('SELECT topic, consumer, reason, raw FROM dead_letters FINAL LIMIT 3')).toEqual([]);
    if (!task.name.includes('disk'))
      await until(
        'the routers to have no gaps',
        async () =>
          ((await release.query<{ missing: number }>('SELECT sum(missing) AS missing FROM router_accounting'))[0]
            ?.missing ?? 1) === 0,
        30_000,
      );
    postedBefore += sender.counters.outcomesPosted;
    await until(
      'every outcome to be a row',
      async () =>
        ((await release.query<{ n: number }>('SELECT uniqExact(event_id) AS n FROM outcomes'))[0]?.n ?? 0) >=
        postedBefore,
      90_000,
    );
    await until(
      'no sampled request to pend',
      async () => (await release.query('SELECT 1 FROM shadow_accounting WHERE pending != 0')).length === 0,
      90_000,
    );
    if (rollout) {
      const now = await release.operator.rollouts.get({ id: rollout.id });
      if (now.status === 'running' || now.status === 'paused')
        await release.operator.rollouts.command({ id: rollout.id }, { command: 'abort', reason: 'the test is over' });
    }
    rollout = undefined;
    expect(await release.viewer.audit.verify()).toMatchObject({ ok: true });
  });

  it.each(SERVICES)('%s killed with -9: it restarts by itself, and continues its work', async (name) => {
    rollout ??= await underLoad(40, SHADOW);
    const { supervisor } = release;
    // At least one target is alive at any time; only then no request may fail.
    if (name.startsWith('worker')) await until('both workers to serve', bothWorkersServe);
    const restarts = supervisor.restarts(name);
    supervisor.kill(name, 'SIGKILL');
    await moreAnswers(20);
    await until('the supervisor to have started it again', () => supervisor.restarts(name) > restarts);
    await supervisor.whenReady(name);
    await moreAnswers(5);
    expect((await release.operator.rollouts.get({ id: rollout.id })).status).toBe('running');
    // Requests on a killed router broke off with it; no other failed.
    if (!name.startsWith('router')) expect(failuresNow()).toEqual([]);
    else expect(failuresNow().filter((f) => f.status !== 0)).toEqual([]);
  });

  it('stores and one of each service stop in turn: no request fails, the rollout stays, verdicts return', async () => {
    rollout = await underLoad(40);
    const { supervisor } = release;
    // Ten seconds apart: while one is still stopped the next one stops.
    const waiting: Promise<void>[] = [];
    for (const name of [...STORES, 'worker-2', 'registry-2', 'stats-1']) {
      supervisor.kill(name, 'SIGSTOP');
      waiting.push(sleep(20_000).then(() => supervisor.kill(name, 'SIGCONT')));
      await sleep(5000);
      await moreAnswers(60);
      await sleep(3000);
    }
    await Promise.all(waiting);
    await moreAnswers(60);
    expect(sender.failures).toEqual([]);
    for (const r of release.routers)
      expect(await (await fetch(`${r}/metrics`)).text()).toMatch(
        /slipway_router_journal_refused_rows\{journal="predictions"\} 0/,
      );
    const thawed = Date.now();
    await until(
      'evidence that was published since',
      async () =>
        (
          (await (await release.read(`${release.stats}/v1/results/${rollout?.id}`)).json()) as {
            time: number;
          }
        ).time > thawed,
      60_000,
    );
    expect(await release.operator.rollouts.get({ id: rollout.id })).toMatchObject({
      status: 'running',
      step: 0,
      weight: 0.5,
    });
  });

  it('services killed or stopped at random during a rollout', async () => {
    rollout = await underLoad(40, {
      guardrails: [{ metric: 'error_rate', maxRatio: 50 }],
      steps: [
        { shadow: { maxExcessDisagreement: '60%', until: { pairs: 60 }, compare: { fields: ['class'] } } },
        { dark: {} },
        { canary: { weight: '20%', until: { requests: 60 } } },
        { canary: { weight: '50%', until: { requests: 300 } } },
        { switch: {} },
        { watch: { for: '3s', holdBack: '10%' } },
      ],
    });
    const { supervisor } = release;
    // a linear congruential generator: the same faults in every run
    let state = 20_261_123;
    const next = (n: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const all = [...SERVICES, ...STORES];
    for (let i = 0; i < 12; i++) {
      const name = all[next(all.length)] as string;
      // At least one target is alive at any time; only then no request may fail.
      if (name.startsWith('worker')) await until('both workers to serve', bothWorkersServe);
      if (next(3) === 0) {
        supervisor.kill(name, 'SIGSTOP');
        await sleep(2000);
        supervisor.kill(name, 'SIGCONT');
      } else supervisor.kill(name, 'SIGKILL');
      await sleep(1000);
      await moreAnswers(10);
    }
    for (const name of all) await supervisor.whenReady(name);
    const ended = await release.reach(
      rollout.id,
      'promoted',
      (r) => r.status === 'promoted' || r.status === 'rolledBack',
      150_000,
    );
    expect(ended.status, ended.reason).toBe('promoted');
    expect(ended.visits.map((v) => [v.step, v.weight, v.phase])).toEqual(
      [0, 0, 0.2, 0.5, 0.9, 0.9].map((weight, step) => [step, weight, 'done']),
    );
    // A request breaks off with its router; no other fails, since one target is always alive.
    expect(failuresNow().filter((f) => f.status !== 0)).toEqual([]);
    await release.operator.endpoints.rollBack({ name: 'spam' }, { reason: 'the test is over' });
  });

  it('a clock that jumps an hour, there and back: nothing pauses, nothing ends, nothing is lost', async () => {
    rollout = await underLoad(40);
    for (const ms of [3_600_000, 0, -3_600_000, 0]) {
      jump(ms);
      const at = Date.now();
      await moreAnswers(80);
      await until(
        'evidence after the jump',
        async () =>
          (
            await release.query<{ n: number }>(
              `SELECT count() AS n
                FROM evidence FINAL
                WHERE rollout_id = {id:String} AND arrived_at > fromUnixTimestamp64Milli({at:Int64})`,
              { id: rollout?.id, at },
            )
          )[0]?.n !== 0,
        60_000,
      );
      expect(await release.operator.rollouts.get({ id: rollout.id })).toMatchObject({
        status: 'running',
        step: 0,
        weight: 0.5,
      });
    }
    expect(sender.failures).toEqual([]);
  });

  it('the registry killed between two steps: the rollout goes on, and no state is skipped or doubled', async () => {
    rollout = await underLoad(80, {
      guardrails: [{ metric: 'error_rate', maxRatio: 50 }],
      steps: [
        { canary: { weight: '20%', until: { requests: 40, for: '2s' } } },
        { canary: { weight: '50%', until: { requests: 40, for: '2s' } } },
        { switch: {} },
        { watch: { for: '2s', holdBack: '10%' } },
      ],
    });
    const { supervisor } = release;
    const id = rollout.id;
    for (const step of [1, 3]) {
      // between an advance and its consequences: kill as soon as the next step shows
      await release.reach(id, `in step ${step}`, (r) => r.step >= step);
      supervisor.kill('registry-1', 'SIGKILL');
      await supervisor.whenReady('registry-1');
    }
    const after = await release.reach(id, 'promoted', (r) => r.status === 'promoted' || r.status === 'rolledBack');
    expect(after.status, after.reason).toBe('promoted');
    expect(after.visits.map((v) => [v.step, v.weight, v.phase])).toEqual([
      [0, 0.2, 'done'],
      [1, 0.5, 'done'],
      [2, 0.9, 'done'],
      [3, 0.9, 'done'],
    ]);
    expect(sender.failures).toEqual([]);
    // Postgres: each revision once, in order; Kafka: revisions only grow, and the last is the last
    const audit = await release.viewer.audit.list({ aggregate: `rollout/${id}` });
    expect(audit.items.map((a) => a.n)).toEqual(audit.items.map((_, i) => i + 1));
    const states = audit.items.map((a) => a.state as unknown as Rollout);
    expect(states.map((r) => r.revision.n)).toEqual(states.map((_, i) => i + 1));
    expect(audit.items.filter((a) => a.action === 'advance' || a.action === 'activate').map((a) => a.action)).toEqual([
      'activate',
      'advance',
      'activate',
      'advance',
      'activate',
      'advance',
      'activate',
      'advance',
    ]);
    const published: number[] = [];
    const consumer = release.kafka.consumer({ groupId: `test-${Date.now()}` });
    await consumer.connect();
    await consumer.subscribe({ topic: topics.rollouts.name, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) =>
        void (
          message.key?.toString() === id &&
          message.value &&
          published.push((JSON.parse(message.value.toString()) as Rollout).revision.n)
        ),
    });
    await until('the last revision on Kafka', () => published.includes(after.revision.n));
    await consumer.disconnect();
    expect(published).toEqual([...published].sort((a, b) => a - b));
    // version 2 serves now: back to version 1 for later tests
    await release.operator.endpoints.rollBack({ name: 'spam' }, { reason: 'the test is over' });
  });

  it('a full disk: rows are refused or counted as the policy says, and reported; then all works again', async () => {
    rollout = undefined;
    sender = release.sender(0);
    const { supervisor } = release;
    const limit = (name: string, bytes: string) =>
      execFileSync('prlimit', ['--pid', String(supervisor.pid(name)), `--fsize=${bytes}:unlimited`]);
    const metric = async (i: number) =>
      Number(
        /slipway_router_journal_refused_rows\{journal="predictions"\} (\d+)/.exec(
          await (await fetch(`${release.routers[i]}/metrics`)).text(),
        )?.[1],
      );
    const before = [await metric(0), await metric(1)] as const;
    expect([(await release.infer('room', {}, 0)).status, (await release.infer('room', {}, 1)).status]).toEqual([
      200, 200,
    ]);
    // The kernel refuses every write beyond this size, which to the process is a full disk.
    for (const name of ['router-1', 'router-2']) limit(name, '1');
    const counted = await release.infer('no room, counted', {}, 0);
    const refused = await release.infer('no room, refused', {}, 1);
    expect(counted.status).toBe(200);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, 'journal_full']);
    await until(
      'the metrics to say so',
      async () => (await metric(0)) === before[0] + 1 && (await metric(1)) === before[1] + 1,
    );
    for (const name of ['router-1', 'router-2']) limit(name, 'unlimited');
    const after = await release.infer('room again', {}, 0);
    expect([after.status, (await release.infer('room again', {}, 1)).status]).toEqual([200, 200]);
    expect((await release.accountFor([after.headers.get('x-request-id') as string])).missing).toEqual([]);
    // the row that was not written is a countable gap in the sequence
    const [gap] = await release.query<{ missing: number }>(
      "SELECT sum(missing) AS missing FROM router_accounting WHERE router = 'router-1'",
    );
    expect(gap?.missing).toBe(1);
  });
});
