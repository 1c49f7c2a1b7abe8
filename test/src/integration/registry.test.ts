// Over 300 lines: what remains here beside its parts calls both registries by the same helpers.
import { createHash, randomBytes } from 'node:crypto';
import { RefusedError, type RegistryClient, registryClient } from '@slipway/client';
import { type Problem } from '@slipway/core';
import { topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { Client } from 'pg';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BAD, GOOD, type Release, startRelease } from '../fixtures/release.ts';
import { describeFaults } from './registry-faults.ts';
import { describeOperators } from './registry-operators.ts';
import { describePublisher } from './registry-publisher.ts';
import { describeVersionStates } from './registry-version-states.ts';

let release: Release;
let second: RegistryClient;
beforeAll(async () => {
  release = await startRelease('registry', { counts: { registries: 2, routers: 1, workers: 1 } });
  second = registryClient({ url: release.registries[1] as string, key: release.secrets.keys.admin });
});
afterAll(() => release?.end());

const registry = (i = 0) => request(release.registries[i] as string);
const posted = (type: string, body: string) =>
  registry().post('/v1/rollouts').set('authorization', `Bearer ${release.secrets.keys.operator}`).type(type).send(body);
const sha256 = (b: Uint8Array) => createHash('sha256').update(b).digest('hex');
async function problemOf(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RefusedError) return error.problem;
    throw error;
  }
  throw new Error('it was not refused');
}
async function database<T>(use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: release.databaseUrl });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
const spec = (change: object = {}) => ({
  endpoint: 'spam',
  candidate: { model: 'spam', version: GOOD },
  steps: [{ canary: { weight: '5%', until: { requests: 1_000_000 } } }, { switch: {} }],
  ...change,
});

describe('versions', () => {
  it('refuses another bundle under an old number, and accepts the same bundle again', async () => {
    const version = await release.viewer.versions.get({ model: 'spam', version: 1 });
    const again = await release.admin.versions.register(
      { model: 'spam' },
      {
        version: 1,
        bundle: version.bundle,
      },
    );
    expect(again).toEqual(version);
    const problem = await problemOf(
      release.admin.versions.register({ model: 'spam' }, { version: 1, bundle: { ...version.bundle, price: 7 } }),
    );
    expect(problem).toMatchObject({ status: 409, code: 'version_exists' });
    expect(problem.detail).toContain(version.digest);
  });

  it('that are too long to be published are refused with the bytes of each part', async () => {
    const { bundle } = await release.viewer.versions.get({ model: 'spam', version: 1 });
    const categories = Array.from({ length: 10_000 }, (_, i) => `${i}`.padEnd(200, 'x'));
    const preprocessing = [{ op: 'one_hot' as const, input: 'text', output: 'unused', categories }];
    const large = release.admin.versions.register({ model: 'spam' }, { bundle: { ...bundle, preprocessing } });
    expect(await problemOf(large)).toMatchObject({
      status: 413,
      code: 'too_large',
      errors: expect.arrayContaining([{ field: 'bundle.preprocessing', message: 'has 2030066 bytes of JSON' }]),
    });
  });

  it('never lets a stored version change, not even in the database', async () => {
    await expect(database((c) => c.query("UPDATE versions SET digest = 'x'"))).rejects.toThrow('versions is immutable');
    await expect(database((c) => c.query('DELETE FROM versions'))).rejects.toThrow('versions is immutable');
  });

  it('returns files by their digest, and refuses bytes that do not match', async () => {
    const bytes = randomBytes(100_000);
    await release.admin.artifacts.put({ sha256: sha256(bytes) }, bytes);
    const back = await registry(1)
      .get(`/v1/artifacts/${sha256(bytes)}`)
      .set('authorization', `Bearer ${release.secrets.keys.viewer}`)
      .responseType('blob')
      .expect(200);
    expect(bytes.equals(back.body)).toBe(true);
    expect(await problemOf(release.admin.artifacts.put({ sha256: 'a'.repeat(64) }, bytes))).toMatchObject({
      status: 422,
      code: 'digest_mismatch',
    });
    const version = await release.viewer.versions.get({ model: 'spam', version: 1 });
    expect(
      await problemOf(
        release.admin.versions.register(
          { model: 'spam' },
          {
            bundle: { ...version.bundle, artifact: { sha256: 'b'.repeat(64) } },
          },
        ),
      ),
    ).toMatchObject({ status: 422, code: 'unmet_reference', errors: [{ field: 'bundle.artifact.sha256' }] });
  });
});

describe('bad input', () => {
  it.each([
    ['no key', 401, 'unauthenticated', () => registry().get('/v1/models')],
    ['an unknown key', 401, 'unauthenticated', () => registry().get('/v1/models').set('authorization', 'Bearer nope')],
    ['a body that is not JSON', 400, 'malformed_json', () => posted('application/json', '{"endpoint":')],
    ['a body of another type', 415, 'unsupported_media_type', () => posted('text/csv', 'a,b')],
    ['an unknown path', 404, 'not_found', () => registry().get('/v1/nothing')],
  ] as const)('%s gets a problem document', async (_, status, code, ask) => {
    const { body } = await ask()
      .expect(status)
      .expect('content-type', /application\/problem\+json/);
    expect(body).toMatchObject({ code, status });
    expect(JSON.stringify(body)).not.toMatch(/\bat .+:\d+:\d+/);
  });

  it('names the field that is wrong, and counts the refusal', async () => {
    const count = async () =>
      Number(
        /slipway_problems_total\{code="invalid_request"\} (\d+)/.exec((await registry().get('/metrics')).text)?.[1] ??
          0,
      );
    const before = await count();
    const problem = await problemOf(
      release.operator.call('POST', '/v1/rollouts', spec({ steps: [{ canary: { weight: '150%' } }] })),
    );
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(problem.errors?.[0]?.field).toBe('steps.0.canary.weight');
    expect(await count()).toBe(before + 1);
  });

  it.each([
    ['an endpoint that does not exist', { endpoint: 'nowhere' }, 404, /there is no endpoint "nowhere"/],
    ['a candidate that does not exist', { candidate: { model: 'spam', version: 99 } }, 422, /no version 99/],
    ['a candidate that serves already', { candidate: { model: 'spam', version: 1 } }, 409, /serves already/],
    [
      'a metric that was not declared',
      { guardrails: [{ metric: 'unheard_of' }] },
      422,
      /guardrails\.\d\.metric: there is no metric "unheard_of"/,
    ],
    [
      'a harm on the wrong side',
      { guardrails: [{ metric: 'misfiled', harm: { ratio: 0.9 } }] },
      422,
      /harm\.ratio: lower is better .*above 1/,
    ],
    ['a harm of nothing', { guardrails: [{ metric: 'misfiled', harm: {} }] }, 400, /guardrails\.0\.harm: name a ratio/],
    [
      'a harm to latency as a difference',
      { guardrails: [{ metric: 'latency', harm: { absolute: 0.1 } }] },
      422,
      /harm\.absolute: .* its harm is named as ratio/,
    ],
    [
      'a margin on the wrong side',
      { guardrails: [{ metric: 'misfiled', minRatio: 0.9 }] },
      422,
      /minRatio: lower is better/,
    ],
  ])('refuses a rollout with %s', async (_, change, status, message) => {
    const problem = await problemOf(release.operator.call('POST', '/v1/rollouts', spec(change)));
    expect(problem.status).toBe(status);
    expect(problem.detail).toMatch(message);
  });

  it('lets each role do what it may and no more', async () => {
    const as = (role: 'viewer' | 'publisher' | 'operator' | 'approver') =>
      registryClient({ url: release.registries[0] as string, key: release.secrets.keys[role] });
    expect((await problemOf(as('viewer').call('POST', '/v1/rollouts', spec()))).detail).toBe(
      'this needs the role operator; the key "viewer" has the role viewer',
    );
    expect((await problemOf(as('publisher').call('POST', '/v1/rollouts', spec()))).status).toBe(403);
    expect((await problemOf(as('operator').models.create({ name: 'x' }))).status).toBe(403);
    expect((await problemOf(as('operator').keys.create({ name: 'x', role: 'admin' }))).status).toBe(403);
    const made = await release.admin.keys.create({ name: 'alice', role: 'operator' });
    expect(
      (await registryClient({ url: release.registries[1] as string, key: made.key }).rollouts.create(spec()))
        .created_by,
    ).toBe('alice');
  });
});

describe('rollouts and commands', () => {
  it('refuses commands that make no sense, an old revision, and a second rollout at once', async () => {
    const rollout = await release.operator.rollouts.create(spec());
    expect(await problemOf(release.operator.rollouts.command({ id: rollout.id }, { command: 'resume' }))).toMatchObject(
      {
        status: 409,
        code: 'conflict',
        detail: expect.stringContaining('the rollout is created'),
      },
    );
    const started = await release.operator.rollouts.command({ id: rollout.id }, { command: 'start' });
    expect(
      await problemOf(
        release.operator.call('POST', `/v1/rollouts/${rollout.id}/commands`, {
          command: 'pause',
          revision: rollout.revision,
        }),
      ),
    ).toMatchObject({ status: 409, code: 'revision_mismatch' });
    expect(started.spec.guardrails.map((g) => g.metric)).toContain('error_rate');
    const other = await release.operator.rollouts.create(spec({ candidate: { model: 'spam', version: BAD } }));
    expect(await problemOf(release.operator.rollouts.command({ id: other.id }, { command: 'start' }))).toMatchObject({
      status: 409,
      detail: 'another rollout of this endpoint is under way',
    });
    expect(
      await problemOf(release.operator.rollouts.command({ id: rollout.id }, { command: 'approve' })),
    ).toMatchObject({ status: 403 });
    expect(await problemOf(release.admin.rollouts.command({ id: rollout.id }, { command: 'approve' }))).toMatchObject({
      status: 409,
      detail: expect.stringContaining('no step of this rollout asks for an approval'),
    });
    const dance = { command: 'dance' } as never;
    expect(await problemOf(release.operator.rollouts.command({ id: rollout.id }, dance))).toMatchObject({
      status: 400,
    });
    await release.operator.rollouts.command({ id: rollout.id }, { command: 'abort' });
    expect(
      await problemOf(release.operator.rollouts.command({ id: rollout.id }, { command: 'rollBack' })),
    ).toMatchObject({ status: 409 });
    expect(
      await problemOf(
        release.operator.rollouts.command({ id: '0198c0de-0000-7000-8000-00000000dead' }, { command: 'start' }),
      ),
    ).toMatchObject({
      status: 404,
    });
  });

  it('does a POST with an idempotency key once, at whichever registry it arrives', async () => {
    const once = { idempotencyKey: 'make-it-once' };
    const first = await release.admin.rollouts.create(spec(), once);
    expect((await second.rollouts.create(spec(), once)).id).toBe(first.id);
    expect(await problemOf(second.rollouts.create(spec({ unit: 'user' }), once))).toMatchObject({
      status: 422,
      code: 'idempotency_mismatch',
    });
    const count = () => database((c) => c.query('SELECT count(*)::int AS n FROM rollouts')).then((r) => r.rows[0]?.n);
    const before = await count();
    // The second one waits for the first, and gets its answer.
    const [a, b] = await Promise.all(
      [release.admin, second].map((registry) => registry.rollouts.create(spec(), { idempotencyKey: 'both-at-once' })),
    );
    expect(b).toEqual(a);
    expect(await count()).toBe(before + 1);
  });

  it('runs with two registries side by side: each change once, and either may be killed', async () => {
    const { id } = await release.operator.rollouts.create(spec());
    await second.rollouts.command({ id }, { command: 'start' });
    await release.reach(id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
    release.supervisor.kill('registry-1', 'SIGKILL', { restart: false });
    await second.rollouts.command({ id }, { command: 'promote', reason: 'by the one that is left' });
    await until(
      'the switch to be left as well',
      async () => (await second.rollouts.get({ id })).status === 'promoted',
      60_000,
    );
    await release.supervisor.startAgain('registry-1');
    const rollout = await release.operator.rollouts.get({ id });
    expect(rollout.visits.map((v) => v.step)).toEqual([0, 1]);
    const { items } = await release.viewer.audit.list({ aggregate: `rollout/${id}` });
    expect(items.map((a) => a.action)).toEqual(['create', 'start', 'activate', 'promote', 'activate', 'advance']);
    await second.endpoints.rollBack({ name: 'spam' });
  });

  it('streams state and evidence as server-sent events', async () => {
    const { id } = await release.operator.rollouts.create(spec());
    const abort = new AbortController();
    const response = await fetch(`${release.registries[0]}/v1/rollouts/${id}/events`, {
      headers: { authorization: `Bearer ${release.secrets.keys.viewer}` },
      signal: abort.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        text += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    await until('the first state', () => text.includes('"status":"created"'));
    await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'enough' });
    await until('the last state', () => text.includes('"status":"aborted"'));
    abort.abort();
    await reading;
  });

  it('ends the stream of a reader whose key is revoked', async () => {
    const { id } = await release.operator.rollouts.create(spec());
    const made = await release.admin.keys.create({
      name: 'r',
      role: 'viewer',
    });
    const stream = await fetch(`${release.registries[0]}/v1/rollouts/${id}/events`, {
      headers: { authorization: `Bearer ${made.key}` },
    });
    const reader = (stream.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    let read = '';
    const more = async () => {
      const { done, value = '' } = await reader.read();
      read += value;
      return !done;
    };
    while (!read.includes('"status":"created"')) expect(await more(), read).toBe(true);
    // At the other registry, so that it does not depend on the memory of this one.
    await registryClient({ url: release.registries[1] as string, key: release.secrets.keys.admin }).keys.revoke({
      id: made.id,
    });
    while (await more());
    await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'enough' });
  });

  it('ends the streams of readers that have gone, before or after their first byte', async () => {
    const { id } = await release.operator.rollouts.create(spec());
    const headers = { authorization: `Bearer ${release.secrets.keys.viewer}` };
    const url = `${release.registries[0]}/v1/rollouts/${id}/events`;
    const open = async () => {
      const { text } = await registry().get('/metrics');
      return Number(/^slipway_registry_event_streams (\d+)/m.exec(text)?.[1]);
    };
    const stay = new AbortController();
    await Promise.all(Array.from({ length: 8 }, () => fetch(url, { headers, signal: stay.signal })));
    await until('eight streams', async () => (await open()) === 8);
    for (let i = 0; i < 100; i++) {
      const gone = new AbortController();
      const asked = fetch(url, { headers, signal: gone.signal }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, i % 10));
      gone.abort();
      await asked;
    }
    stay.abort();
    await until('no stream to be open', async () => (await open()) === 0);
    await release.operator.rollouts.command({ id }, { command: 'abort', reason: 'enough' });
  });
});

describeOperators(() => release);
describeVersionStates(() => release);
describePublisher(() => release);
describeFaults(() => release);

describe('the audit of the registry', () => {
  it('finds and names a row of the audit that was changed, and one that was deleted', async () => {
    const verify = () => release.viewer.audit.verify();
    expect((await verify()).ok).toBe(true);
    await database((c) => c.query('ALTER TABLE audit DISABLE TRIGGER ALL'));
    const [row] = (
      await database((c) => c.query("SELECT event_id, reason FROM audit WHERE aggregate = 'endpoint/spam' AND n = 1"))
    ).rows as { event_id: string; reason: string }[];
    await database((c) => c.query("UPDATE audit SET reason = 'nothing to see' WHERE event_id = $1", [row?.event_id]));
    expect(await verify()).toMatchObject({
      ok: false,
      broken: [{ aggregate: 'endpoint/spam', n: 1, why: 'its content does not have its hash' }],
    });
    await database((c) => c.query('UPDATE audit SET reason = $2 WHERE event_id = $1', [row?.event_id, row?.reason]));
    expect((await verify()).ok).toBe(true);
    const removed = (
      await database((c) => c.query("DELETE FROM audit WHERE aggregate = 'route/spam' AND n = 2 RETURNING *"))
    ).rows[0] as Record<string, unknown>;
    expect(await verify()).toMatchObject({
      ok: false,
      broken: [{ aggregate: 'route/spam', n: 3, why: 'row 2 is missing' }],
    });
    await database((c) =>
      c.query(`INSERT INTO audit SELECT * FROM jsonb_populate_record(NULL::audit, $1)`, [JSON.stringify(removed)]),
    );
    await database((c) => c.query('ALTER TABLE audit ENABLE TRIGGER ALL'));
    expect((await verify()).ok).toBe(true);
  });

  it('describes itself, pages its lists, and publishes what it has', async () => {
    const { body } = await registry().get('/openapi.json').expect(200);
    expect(Object.keys(body.paths)).toContain('/v1/rollouts/{id}/commands');
    const page = await release.viewer.rollouts.list({ limit: 2 });
    expect(page.items).toHaveLength(2);
    const next = await release.viewer.rollouts.list({ limit: 2, cursor: page.next_cursor ?? '' });
    const all = await release.viewer.rollouts.list({ limit: 4 });
    expect([...page.items, ...next.items].map((r) => r.id)).toEqual(all.items.map((r) => r.id));
    expect(new Set(all.items.map((r) => r.id)).size).toBe(4);
    await until(
      'an empty outbox',
      async () =>
        (await database((c) => c.query('SELECT count(*)::int AS n FROM outbox WHERE published_at IS NULL'))).rows[0]
          ?.n === 0,
    );
    const producer = release.kafka.producer();
    await producer.connect();
    await producer.send({ topic: topics.evidence.name, messages: [{ key: 'x', value: '{"poison":' }] });
    await producer.disconnect();
    await until(
      'the poison in the dead letters',
      async () =>
        (
          await release.query(
            "SELECT 1 FROM dead_letters WHERE topic = 'slipway.evidence.v1' AND consumer = 'registry'",
          )
        ).length > 0,
    );
  });
});
