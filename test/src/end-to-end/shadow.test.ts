// Over 300 lines: each case ends with the same accounting, which must name every sampled request.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Evidence } from '@slipway/release';
import { sleep, until } from '@slipway/local';
import type { Bundle } from '@slipway/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ForeignModel, startForeignModel } from '../fixtures/foreign-model.ts';
import { BAD, GOOD, type Release, startRelease } from '../fixtures/release.ts';
import { root } from '../fixtures/stack.ts';

const clockFolder = join(root, '.slipway', 'test', `shadow-clock-${process.pid}`);
let release: Release;
const foreign: ForeignModel[] = [];
beforeAll(async () => {
  // The workers' clocks are off by an hour, one ahead and one behind: deadlines use Kafka's clock.
  mkdirSync(clockFolder, { recursive: true });
  const wound = (name: string, ms: number) => {
    writeFileSync(join(clockFolder, name), String(ms));
    return {
      NODE_OPTIONS: `--import ${pathToFileURL(join(root, 'test', 'src', 'fixtures', 'clock.mjs')).href}`,
      TEST_CLOCK: join(clockFolder, name),
    };
  };
  release = await startRelease('shadow', {
    counts: { registries: 1, routers: 2, workers: 2 },
    env: { 'worker-1': wound('behind', -3_600_000), 'worker-2': wound('ahead', 3_600_000) },
  });
});
afterAll(async () => {
  await Promise.all(foreign.map((f) => f.close()));
  await release?.end();
  rmSync(clockFolder, { recursive: true, force: true });
});

const shadow = (change: object = {}) => ({
  shadow: {
    sample: '100%',
    maxExcessDisagreement: '25%',
    noise: '20%',
    until: { pairs: 150 },
    compare: { fields: ['class'] },
    ...change,
  },
});
const canary = { canary: { weight: '20%', until: { requests: 1_000_000 } } };
type Books = { sampled: number; paired: number; failed: number; expired: number; shed: number; pending: number };
const books = async (id: string): Promise<Books> => {
  const [row] = await release.query<Books & { rollout_id?: string; step?: number }>(
    'SELECT sampled, paired, failed, expired, shed, pending FROM shadow_accounting WHERE rollout_id = {id:String}',
    { id },
  );
  return row ?? { sampled: 0, paired: 0, failed: 0, expired: 0, shed: 0, pending: 0 };
};
const settled = async (id: string) => {
  await until(
    'every sampled request to have ended',
    async () => (await books(id)).pending === 0 && (await books(id)).sampled > 0,
    90_000,
  ).catch(async (error: unknown) => {
    const open = await release.query(
      `SELECT request_id, router, sequence, toString(arrived_at) AS arrived, kafka_partition, kafka_offset
        FROM predictions FINAL
        WHERE shadow_rollout_id = {id:String} AND request_id NOT IN (SELECT request_id
        FROM comparisons
        WHERE rollout_id = {id:String}) LIMIT 10`,
      { id },
    );
    throw new Error(
      `${(error as Error).message}: ${JSON.stringify(await books(id))}, still open: ${JSON.stringify(open)}`,
    );
  });
  return books(id);
};
const metric = async (url: string, name: string): Promise<number> =>
  (await (await fetch(`${url}/metrics`)).text())
    .split('\n')
    .filter((l) => l.startsWith(`${name}{`) || l.startsWith(`${name} `))
    .reduce((sum, l) => sum + Number(l.split(' ').at(-1)), 0);

describe('a shadow', () => {
  it('runs a candidate beside control without an effect on callers, and advances it by the evidence', async () => {
    const sender = release.sender(60);
    const { id } = await release.rollOut(GOOD, { steps: [shadow(), { dark: { for: '2s' } }, canary] });
    const dark = await release.reach(id, 'dark', (r) => r.step === 1 && r.visits.at(-1)?.phase === 'active');
    // dark: reachable by an operator's header only
    const byHeader = await release.infer('hello', {
      'x-slipway-version': String(GOOD),
      authorization: `Bearer ${release.secrets.keys.operator}`,
    });
    expect([byHeader.status, byHeader.headers.get('x-slipway-version')]).toEqual([200, `spam:${GOOD}`]);
    expect(dark.weight).toBe(0);
    const [advance] = (await release.operator.rollouts.evidence({ id })).items.filter(
      (e: Evidence) => e.analyser === 'shadow-comparator' && e.verdict === 'advance',
    );
    expect(advance?.sentence).toMatch(
      new RegExp(
        '^Advance: the candidate differs in \\d+ of \\d+ answers, control from itself in 0 of \\d+: ' +
          'excess disagreement .* \\([\\d.]+ s of compute',
      ),
    );
    const running = await release.reach(
      id,
      'in its canary',
      (r) => r.step === 2 && r.visits.at(-1)?.phase === 'active',
    );
    expect(running.visits.map((v) => v.weight)).toEqual([0, 0, 0.2]);
    await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'seen enough' });
    await sender.stop();
    expect(sender.failures).toEqual([]);
    const before = await release.query<{ version: string }>(
      'SELECT DISTINCT served_version AS version FROM predictions WHERE shadow_rollout_id = {id:String}',
      { id },
    );
    expect(before).toEqual([{ version: 'spam:1' }]);
    // the same identity in the metrics: the routers sampled what the lanes ended
    const total = async (urls: readonly string[], name: string) =>
      (await Promise.all(urls.map((url) => metric(url, name)))).reduce((x, y) => x + y, 0);
    const sampled = await total(release.routers, 'slipway_shadow_sampled_total');
    // Nothing pends either while neither the predictions nor their comparisons have arrived as rows.
    await until('each sampled request to be a row', async () => (await books(id)).sampled === sampled, 90_000);
    const b = await settled(id);
    expect(b.paired + b.failed + b.expired + b.shed).toBe(b.sampled);
    expect(b.paired).toBeGreaterThanOrEqual(150);
    expect(b.expired, 'expired by clocks that are wrong by an hour').toBe(0);
    expect([b.sampled, await total(release.workers, 'slipway_shadow_results_total')]).toEqual([sampled, sampled]);
    // noise: about a fifth was asked twice, and control agreed with itself
    const [noise] = await release.query<{ n: number; agree: number }>(
      `SELECT countIf(noise) AS n, countIf(noise AND noise_agree) AS agree
        FROM comparisons FINAL
        WHERE rollout_id = {id:String}`,
      { id },
    );
    expect(noise?.agree).toBe(noise?.n);
    expect((noise?.n ?? 0) / b.paired).toBeGreaterThan(0.1);
    // one trace from the caller's request to the comparison; the comparison may be a row before the request is one
    const traced = async () =>
      (
        await release.query<{ n: number }>(
          `SELECT count() AS n
            FROM comparisons AS c FINAL
            INNER JOIN predictions AS p FINAL ON p.request_id = c.request_id
            WHERE c.rollout_id = {id:String} AND c.trace_id = p.trace_id AND length(c.trace_id) = 32`,
          { id },
        )
      )[0]?.n;
    await until('every comparison to have the trace of its request', async () => (await traced()) === b.sampled);
  });

  it('rolls back a candidate that disagrees beyond the noise, before a user has met it', async () => {
    const sender = release.sender(60);
    const { id } = await release.rollOut(BAD, { steps: [shadow(), canary] });
    const ended = await release.reach(id, 'rolled back', (r) => r.status !== 'running');
    await sender.stop();
    expect([ended.status, ended.step]).toEqual(['rolledBack', 0]);
    expect(ended.reason).toContain('Roll back: the candidate differs in');
    expect(
      await release.query('SELECT 1 FROM predictions WHERE served_version = {v:String} AND rollout_id = {id:String}', {
        v: `spam:${BAD}`,
        id,
      }),
    ).toEqual([]);
    const fields = await release.query<{ field: string; kind: string }>(
      'SELECT DISTINCT field, kind FROM discrepancies WHERE rollout_id = {id:String}',
      { id },
    );
    expect(fields).toEqual([{ field: 'class', kind: 'class' }]);
  });

  it('does not count against a candidate how often control differs from itself, on outside servers', async () => {
    // answers at random on a fifth of the mails, in every version
    const flips = () => (Math.random() < 1 / 5 ? Math.round(Math.random()) : 0);
    const server = await startForeignModel(() => ({ class: flips() }));
    foreign.push(server);
    const { operator, admin } = release;
    await admin.models.create({ name: 'noisy' });
    const signature: Bundle['signature'] = {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'class', datatype: 'INT64', shape: [-1, 1] }],
    };
    for (const n of [1, 2])
      await admin.versions.register(
        { model: 'noisy' },
        {
          bundle: {
            artifact: { sha256: String(n).repeat(64), uri: 'https://models.example/noisy' },
            signature,
            infra: { url: server.url },
          },
        },
      );
    await operator.endpoints.put({ name: 'noisy' }, { model: 'noisy', version: 1 });
    const ask = (text: string) =>
      fetch(`${release.routers[0]}/v2/models/noisy/infer`, {
        method: 'POST',
        body: JSON.stringify({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: [text] }] }),
      });
    await until('the endpoint', async () => (await ask('x')).ok);
    const rollout = await operator.rollouts.create({
      endpoint: 'noisy',
      candidate: { model: 'noisy', version: 2 },
      steps: [shadow({ noise: '100%', maxExcessDisagreement: '15%', until: { pairs: 100 } }), canary],
    });
    await operator.rollouts.command({ id: rollout.id }, { command: 'start', reason: 'noise' });
    let done = false;
    const asking = (async () => {
      // A rate that the lane can keep up with on a busy machine.
      while (!done)
        await Promise.all([sleep(100), ...Array.from({ length: 4 }, () => ask('mail').then((r) => r.text()))]);
    })();
    await release.reach(rollout.id, 'in its canary', (r) => r.step === 1 || r.status !== 'running');
    done = true;
    await asking;
    expect((await operator.rollouts.get({ id: rollout.id })).step).toBe(1);
    const [c] = await release.query<{ disagree: number; noise: number }>(
      `SELECT countIf(NOT agree) / count() AS disagree, countIf(noise
        AND NOT noise_agree) / countIf(noise) AS noise
        FROM comparisons FINAL
        WHERE rollout_id = {id:String}`,
      { id: rollout.id },
    );
    expect(c?.disagree).toBeGreaterThan(0.1);
    expect(Math.abs((c?.disagree ?? 0) - (c?.noise ?? 0))).toBeLessThan(0.1);
    await operator.rollouts.command({ id: rollout.id }, { command: 'abort', reason: 'seen enough' });
  });

  it('rolls back a candidate that does not answer half of the sampled requests in time', async () => {
    const server = await startForeignModel(({ text, version }) =>
      version === '2' && Number(text) % 2 === 1 ? 'hang' : { class: 0 },
    );
    foreign.push(server);
    const { operator, admin } = release;
    await admin.models.create({ name: 'hanging' });
    const signature: Bundle['signature'] = {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'class', datatype: 'INT64', shape: [-1, 1] }],
    };
    for (const n of [1, 2])
      await admin.versions.register(
        { model: 'hanging' },
        {
          bundle: {
            artifact: { sha256: String(n).repeat(64), uri: 'https://models.example/hanging' },
            signature,
            infra: { url: server.url },
          },
        },
      );
    await operator.endpoints.put({ name: 'hanging' }, { model: 'hanging', version: 1, timeout_ms: 1000 });
    let asked = 0;
    const ask = () =>
      fetch(`${release.routers[0]}/v2/models/hanging/infer`, {
        method: 'POST',
        body: JSON.stringify({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: [String(asked++)] }] }),
      });
    await until('the endpoint', async () => (await ask()).ok);
    const rollout = await operator.rollouts.create({
      endpoint: 'hanging',
      candidate: { model: 'hanging', version: 2 },
      steps: [shadow({ noise: '0%', maxExcessDisagreement: '20%', until: { pairs: 30 } }), canary],
    });
    await operator.rollouts.command({ id: rollout.id }, { command: 'start', reason: 'time-outs' });
    let done = false;
    const asking = (async () => {
      while (!done) await Promise.all([sleep(200), ...Array.from({ length: 2 }, () => ask().then((r) => r.text()))]);
    })();
    const ended = await release.reach(rollout.id, 'out of its shadow', (r) => r.step === 1 || r.status !== 'running');
    done = true;
    await asking;
    expect([ended.status, ended.step]).toEqual(['rolledBack', 0]);
    const reasons = await release.query<{ result: string; reason: string; agree: boolean }>(
      `SELECT DISTINCT result, reason, agree
        FROM comparisons FINAL
        WHERE rollout_id = {id:String} AND reason = 'candidate_timeout'`,
      { id: rollout.id },
    );
    expect(reasons).toEqual([{ result: 'failed', reason: 'candidate_timeout', agree: false }]);
  });

  it('ends every sampled request, under faults too, as paired, failed, expired or shed; none pends', async () => {
    const { supervisor } = release;
    const sender = release.sender(50);
    const { id } = await release.rollOut(GOOD, {
      steps: [shadow({ until: { pairs: 1_000_000 }, deadline: '8s' }), canary],
    });
    await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
    const more = async (n: number) => {
      const at = sender.counters.answered;
      await until(`${n} more answers`, () => sender.counters.answered >= at + n);
    };
    await more(60);
    for (const name of ['worker-1', 'comparator-1', 'router-1']) {
      supervisor.kill(name, 'SIGKILL');
      await more(20);
      await supervisor.whenReady(name);
    }
    // A broker that accepts connections and does not respond, for longer than the deadline and than a client waits for
    // an answer: what waited has expired, and is counted as expired.
    const answeredBefore = sender.answers.length;
    supervisor.kill('kafka', 'SIGSTOP');
    await sleep(10_000);
    const whileSilent = sender.answers.slice(answeredBefore).map((a) => a.id);
    supervisor.kill('kafka', 'SIGCONT');
    expect(whileSilent.length).toBeGreaterThan(100);
    await more(100);
    // a body beyond the logged size is sampled, and reported as too long
    const long = await release.infer(`long ${'x '.repeat(200_000)}`);
    expect(long.status).toBe(200);
    await sender.stop();
    // rows that have not arrived are not in the accounting yet: first every answer, then the result of each
    const { missing } = await release.accountFor([
      ...sender.answers.map((a) => a.id),
      long.headers.get('x-request-id') as string,
    ]);
    expect(missing).toEqual([]);
    const b = await settled(id);
    expect(b.paired + b.failed + b.expired + b.shed).toBe(b.sampled);
    expect(b.paired).toBeGreaterThan(100);
    // those of the outage as well: each sampled, each a row once, each ended once, and no record treated as unusable
    const once = async (table: string, rollout: string) => {
      const rows = await release.query<{ request_id: string }>(
        `SELECT request_id FROM ${table} FINAL WHERE ${rollout} = {id:String}`,
        { id },
      );
      const requests = new Set(rows.map((r) => r.request_id));
      const silent = whileSilent.filter((r) => requests.has(r)).length;
      return { rows: rows.length, requests: requests.size, silent };
    };
    const all = { rows: b.sampled, requests: b.sampled, silent: whileSilent.length };
    expect(await once('predictions', 'shadow_rollout_id')).toEqual(all);
    expect(await once('comparisons', 'rollout_id')).toEqual(all);
    expect(await release.query('SELECT topic, consumer, reason, raw FROM dead_letters FINAL LIMIT 3')).toEqual([]);
    expect(
      await release.query('SELECT result, reason FROM comparisons FINAL WHERE request_id = {id:String}', {
        id: long.headers.get('x-request-id'),
      }),
    ).toEqual([{ result: 'failed', reason: 'oversize' }]);
    const status = await release.operator.rollouts.get({ id });
    expect([status.status, status.step]).toEqual(['running', 0]);
    await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'done' });
  });
});
