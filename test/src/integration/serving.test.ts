import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Rollout } from '@slipway/release';
import { type Route } from '@slipway/contracts';
import { until } from '@slipway/local';
import { describeOverHttp, oipDescription } from '@slipway/protocol/conformance';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOOD, type Release, startRelease } from '../fixtures/release.ts';
import { servingCalls } from './serving-calls.ts';
import { describeHostile } from './serving-hostile.ts';
import { describeInput } from './serving-input.ts';
import { describeVersions } from './serving-versions.ts';

let release: Release;
beforeAll(async () => {
  release = await startRelease('serving', {
    counts: { registries: 1, routers: 2, workers: 1 },
    env: {
      'router-1': { MAX_BODY_BYTES: '2000000' },
      'router-2': { HOST: '0.0.0.0' },
      'worker-1': { WORKER_ACCESS: 'key' },
    },
  });
});
afterAll(() => release?.end());
const { router, body, post, row } = servingCalls(() => release);

describeOverHttp(
  oipDescription,
  () => ({ router: router(), worker: release.workers[0] as string, endpoint: 'spam', model: 'spam', version: '1' }),
  () => ({ authorization: `Bearer ${release.secrets.keys.viewer}` }),
);

describe('the Open Inference Protocol', () => {
  it("answers with the model's outputs, echoes the id, and names the version that answered", async () => {
    const response = await post(body({}, { id: 'abc', outputs: [{ name: 'class' }] }), { 'x-request-id': 'req-1' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-request-id')).toBe('req-1');
    expect(response.headers.get('x-slipway-version')).toBe('spam:1');
    expect(response.headers.get('x-slipway-arm')).toBe('control');
    expect(await response.json()).toEqual({
      model_name: 'spam',
      model_version: '1',
      id: 'abc',
      outputs: [{ name: 'class', datatype: 'INT64', shape: [1, 1], data: [expect.any(Number)] }],
    });
  });

  it('gives each row of a batch the same result as alone', async () => {
    const texts = release.mails.slice(0, 12).map((m) => m.text);
    const together = (await (await post(body({ shape: [12, 1], data: texts }))).json()) as {
      outputs: { name: string; data: number[] }[];
    };
    expect(together.outputs.map((o) => [o.name, o.data.length])).toEqual([
      ['probability', 12],
      ['class', 12],
    ]);
    const alone = await Promise.all(
      texts.map(
        async (t) =>
          ((await (await post(body({ data: [t] }))).json()) as typeof together).outputs[0]?.data[0] as number,
      ),
    );
    together.outputs[0]?.data.forEach((p, i) => expect(p).toBeCloseTo(alone[i] as number, 5));
  });

  it('batches concurrent requests, and reports queue, compute and batch size', async () => {
    const ids = Array.from({ length: 64 }, (_, i) => `batch-${i}`);
    await Promise.all(ids.map((id, i) => post(body({ data: [release.mails[i]?.text ?? ''] }), { 'x-request-id': id })));
    await until(
      'the rows',
      async () =>
        (
          await release.query<{ n: number }>(
            "SELECT uniqExact(request_id) AS n FROM predictions WHERE startsWith(request_id, 'batch-')",
          )
        )[0]?.n === 64,
    );
    const [sizes] = await release.query<{ largest: number; computed: number }>(
      `SELECT max(batch_size) AS largest, countIf(compute_us > 0) AS computed
        FROM predictions FINAL
        WHERE startsWith(request_id, 'batch-')`,
    );
    expect(sizes?.largest).toBeGreaterThan(1);
    expect(sizes?.largest).toBeLessThanOrEqual(64);
    expect(sizes?.computed).toBe(64);
  });

  it('describes server, model and health', async () => {
    const get = async (path: string) => (await request(router()).get(path)).body;
    expect(await get('/v2')).toMatchObject({ name: 'slipway' });
    expect(await get('/v2/health/live')).toMatchObject({ live: true });
    expect(await get('/v2/health/ready')).toMatchObject({ ready: true });
    expect(await get('/v2/models/spam')).toMatchObject({
      name: 'spam',
      versions: ['1'],
      platform: 'onnx_onnxv1',
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
    });
    expect(await get('/v2/models/spam/ready')).toEqual({ name: 'spam', ready: true });
    expect(await get('/v2/models/spam/versions/1/ready')).toEqual({ name: 'spam', ready: true });
    expect(await get('/v2/models/spam/versions/9')).toMatchObject({ code: 'unknown_version' });
    expect(await get('/v2/models/nothing')).toMatchObject({
      code: 'unknown_endpoint',
      error: 'there is no endpoint "nothing"',
    });
  });
});

describe('a router that is stopped', () => {
  it('answers what is under way, and the rows match what callers read', async () => {
    const asked: ServerResponse[] = [];
    const slow = createServer((req, res) => req.resume().on('end', () => asked.push(res)));
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const { bundle } = await release.viewer.versions.get({ model: 'spam', version: 1 });
    const infra = { ...bundle.infra, url: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` };
    const { version } = await release.admin.versions.register(
      { model: 'spam' },
      {
        bundle: { ...bundle, infra },
      },
    );
    await release.operator.endpoints.put({ name: 'slow' }, { model: 'spam', version });
    const ready = () => fetch(`${router()}/v2/models/slow/ready`);
    await until('the router to know it', async () => (await ready()).ok);
    const ids = Array.from({ length: 20 }, (_, i) => `stopped-${i}`);
    const answers = ids.map((id) => post('{}', { 'x-request-id': id }, `${router()}/v2/models/slow/infer`));
    await until('them to be under way', async () => asked.length === ids.length);
    const pid = release.supervisor.pid('router-1');
    release.supervisor.kill('router-1', 'SIGTERM');
    await until(
      'it to take nobody new',
      () =>
        ready().then(
          () => false,
          () => true,
        ),
      20_000,
      5,
    );
    for (const res of asked) res.end('{"outputs":[]}');
    expect((await Promise.all(answers)).map((a) => a.status)).toEqual(ids.map(() => 200));
    for (const id of ids) expect(await row(id)).toMatchObject({ status: 200, error_code: '' });
    await until('another router', async () => release.supervisor.pid('router-1') !== pid && (await ready()).ok);
    slow.close();
    slow.closeAllConnections();
  });
});

describe('a router that starts from a snapshot older than a tombstone that was compacted away', () => {
  it('drops the deleted endpoint once it has read the topic, and keeps the others', async () => {
    const { supervisor } = release;
    const file = join(release.folder, 'router-1', 'routes.json');
    await supervisor.stop('router-1');
    const routes = JSON.parse(readFileSync(file, 'utf8')) as Route[];
    const spam = routes.find((r) => r.endpoint === 'spam') as Route;
    writeFileSync(file, JSON.stringify([...routes, { ...spam, endpoint: 'deleted' }]));
    await supervisor.startAgain('router-1');
    const deleted = () => post(body(), {}, `${router()}/v2/models/deleted/infer`);
    await until('the deleted endpoint to be given up', async () => (await deleted()).status === 404);
    expect((await post(body())).status).toBe(200);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Route[];
    expect(kept.map((r) => r.endpoint).sort()).toEqual(routes.map((r) => r.endpoint).sort());
  });
});

describe('assignment', () => {
  let rollout: Rollout;
  beforeAll(async () => {
    rollout = await release.rollOut(GOOD, {
      unit: 'user',
      steps: [{ canary: { weight: '30%', until: { requests: 1_000_000 } } }, { switch: {} }],
      guardrails: [],
    });
    rollout = await release.reach(rollout.id, 'active', (r) => r.visits.at(-1)?.phase === 'active');
    await until('the router to apply it', async () => (await assignments(['u']))[0]?.['rollout_id'] === rollout.id);
  });
  afterAll(() => release.operator.rollouts.command({ id: rollout.id }, { command: 'abort', reason: 'done' }));

  const assignments = async (units: string[]): Promise<Record<string, unknown>[]> =>
    (await request(router()).post('/v1/assignments').send({ endpoint: 'spam', units })).body.assignments;

  it('answers for other services exactly as it assigns itself, and as the published hash says', async () => {
    const { assignmentPoint } = await import('@slipway/routing');
    const units = Array.from({ length: 40 }, (_, i) => `user-${i}`);
    const given = await assignments(units);
    for (const [i, unit] of units.entries()) {
      const arm = assignmentPoint(rollout.id, unit) < 0.3 ? 'candidate' : 'control';
      expect(given[i]).toMatchObject({
        unit,
        assigned_arm: arm,
        reason: 'randomised',
        probability: arm === 'candidate' ? 0.3 : 0.7,
        version: arm === 'candidate' ? `spam:${GOOD}` : 'spam:1',
      });
      expect((await post(body(), { 'x-slipway-unit': unit })).headers.get('x-slipway-arm')).toBe(arm);
    }
    const [sql] = await release.query<{ point: number }>(
      'SELECT bitShiftRight(reinterpretAsUInt64(reverse(substring(' +
        "SHA256(concat({salt:String}, '\\0', 'user-7')), 1, 8))), 11) / exp2(53) AS point",
      { salt: rollout.id },
    );
    expect(sql?.point).toBe(assignmentPoint(rollout.id, 'user-7'));
  });

  it('takes the unit from the OIP parameter, and serves control to a request without one', async () => {
    const inside = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    const candidate = (await assignments(inside)).find((a) => a['assigned_arm'] === 'candidate')?.['unit'] as string;
    expect((await post(body({}, { parameters: { unit: candidate } }))).headers.get('x-slipway-arm')).toBe('candidate');
    const nobody = await post(body(), { 'x-request-id': 'no-unit' });
    expect(nobody.headers.get('x-slipway-arm')).toBe('control');
    expect(await row('no-unit')).toMatchObject({
      reason: 'no_unit',
      unit: '',
      assigned_arm: 'control',
      probability: 1,
    });
  });

  it('gives a name one arm, however written: in a header as UTF-8 or Latin-1, in a body, or asked for', async () => {
    const arms = new Set<unknown>();
    for (const unit of Array.from({ length: 20 }, (_, i) => `josé-${i}`)) {
      const [asked] = await assignments([unit]);
      arms.add(asked?.['assigned_arm']);
      const answers = await Promise.all([
        post(body(), { 'x-slipway-unit': Buffer.from(unit, 'utf8').toString('latin1') }),
        post(body(), { 'x-slipway-unit': unit }),
        post(body({}, { parameters: { unit } })),
      ]);
      expect(answers.map((a) => a.headers.get('x-slipway-arm'))).toEqual(answers.map(() => asked?.['assigned_arm']));
    }
    expect([...arms].sort()).toEqual(['candidate', 'control']);
  });

  it("lets an operator's key force a version, which is no exposure", async () => {
    const forced = await post(body(), {
      authorization: `Bearer ${release.secrets.keys.operator}`,
      'x-slipway-version': String(GOOD),
      'x-request-id': 'forced',
    });
    expect([forced.status, forced.headers.get('x-slipway-version')]).toEqual([200, `spam:${GOOD}`]);
    expect(await row('forced')).toMatchObject({
      reason: 'forced',
      served_version: `spam:${GOOD}`,
      assigned_arm: 'candidate',
    });
    expect(
      (await post(body(), { authorization: `Bearer ${release.secrets.keys.operator}`, 'x-slipway-version': '99' }))
        .status,
    ).toBe(404);
    expect(
      (
        await post(body(), {
          authorization: `Bearer ${release.secrets.keys.viewer}`,
          'x-slipway-version': String(GOOD),
        })
      ).status,
    ).toBe(403);
  });
});

describeInput(() => release);
describeHostile(() => release);
describeVersions(() => release);
