import { connect } from 'node:net';
import { type Operation, operationsOf, registryApi, type Role, roles } from '@slipway/contracts';
import { until } from '@slipway/local';
import fc from 'fast-check';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Release, startRelease } from '../fixtures/release.ts';
import { hostile, valuesOf } from '../fixtures/schema-values.ts';
import { describeAttacks } from './fuzz-attacks.ts';
import { describeSchema } from './fuzz-schema.ts';
import { BODY_LIMIT, describeSizes } from './fuzz-sizes.ts';

/** The draws are the same in each run; FUZZ_SEED asks for others. fast-check prints the seed of what fails. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_124);
const runs = (numRuns: number) => ({ seed, numRuns, endOnFailure: true });

let release: Release;
beforeAll(async () => {
  const limits = { MAX_BODY_BYTES: String(BODY_LIMIT), MAX_ARTIFACT_BYTES: String(BODY_LIMIT) };
  release = await startRelease('fuzz', {
    counts: { registries: 1, routers: 1, workers: 1 },
    env: { 'router-1': limits, 'worker-1': limits, 'registry-1': limits },
  });
});
afterAll(() => release?.end());
afterEach(() => {
  for (const name of ['registry-1', 'router-1', 'worker-1'])
    expect([name, release.supervisor.restarts(name)]).toEqual([name, 0]);
});

const router = () => release.routers[0] as string;
type Answer = { status: number; text: string; headers: Record<string, string> };

/** Sends the bytes of a body as they are. */
async function send(base: string, method: Operation['method'], path: string, body?: Uint8Array, key?: string) {
  const asked = request(base)
    [method](path)
    .timeout(20_000)
    .ok(() => true)
    .buffer(true)
    .parse((response, done) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer | string) => parts.push(Buffer.from(part)));
      response.on('end', () => done(null, Buffer.concat(parts).toString()));
    });
  if (key) asked.set('authorization', `Bearer ${key}`);
  return { asked, answer: async () => said(body === undefined ? await asked : await withBody(asked, body)) };
}
const withBody = (asked: request.Test, body: Uint8Array) =>
  asked
    .set('content-type', 'application/json')
    .serialize((b: unknown) => b as string)
    .send(Buffer.from(body));
const said = (r: request.Response): Answer => ({ status: r.status, text: String(r.body), headers: r.headers });

/** 2xx to 4xx; 503 and 504 with a code that says why. */
function expectStated({ status, text }: Answer) {
  if (status === 503 || status === 504) expect(JSON.parse(text)).toHaveProperty('code', expect.stringMatching(/./));
  else expect([status >= 200 && status < 500, status, text]).toEqual([true, status, text]);
}

/** The status line's number, or undefined where the connection was closed without an answer within 3 s. */
const raw = (base: string, bytes: Uint8Array) =>
  new Promise<number | undefined>((resolve) => {
    const { hostname, port } = new URL(base);
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.end(bytes));
    socket.setTimeout(3000, () => socket.destroy());
    socket.on('data', (part) => {
      text += part.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve(status === undefined ? undefined : Number(status));
    });
  });

const text = (s: string) => Buffer.from(s);
const tensor = fc.record({
  name: fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>('text') }, { weight: 1, arbitrary: hostile }),
  datatype: fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>('BYTES') }, { weight: 1, arbitrary: hostile }),
  shape: fc.oneof(
    fc.constantFrom<unknown>([1, 1], [0, 1], [-1, 1], [1], [], [2 ** 53, 1], [4097, 1], [1, 1e308], [0.5, 2]),
    hostile,
  ),
  data: fc.oneof(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 2 }), hostile),
});
const whole = fc
  .record({ inputs: fc.array(tensor, { maxLength: 2 }), id: hostile, outputs: hostile }, { requiredKeys: ['inputs'] })
  .map((b) => JSON.stringify(b));
const good = '{"inputs":[{"name":"text","datatype":"BYTES","shape":[1,1],"data":["hello"]}]}';
const written = fc.constantFrom(
  good,
  `\ufeff${good}`,
  `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  `{"inputs":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_001)}`,
  good.replace('"shape":[1,1]', '"shape":[1,1],"shape":[2,1]'),
  good.replace('[1,1]', '[1e999,1]'),
  good.replace('[1,1]', `[${'9'.repeat(400)},1]`),
  good.replace('hello', '\\ud800'),
  good.replace('hello', '\u0000'),
  good.replace('hello', '\\u0000'),
  good.replace('{', '{"__proto__":{"inputs":[]},'),
  '',
  'null',
  '[]',
  'NaN',
);
/** A body as it is, cut off, or with some bytes changed. */
const damaged = (sound: fc.Arbitrary<string>) =>
  fc
    .tuple(
      sound,
      fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
    )
    .map(([s, part, changes]) => {
      const bytes = text(s);
      for (const [at, to] of changes) if (bytes.length > 0) bytes[at % bytes.length] = to;
      return bytes.subarray(0, Math.ceil(bytes.length * part));
    });
const bodies = (sound: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 2, arbitrary: sound.map(text) },
    { weight: 2, arbitrary: damaged(sound) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b)) },
  );

describe('the router, asked by a fuzzer', () => {
  it('answers any body of an inference with 2xx to 4xx, and each of its answers is a row', async () => {
    const answered: string[] = [];
    const statuses = new Map<number, number>();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(bodies(fc.oneof(whole, written)), async (body) => {
        const id = `fuzz-${n++}`;
        const { asked, answer } = await send(router(), 'post', '/v2/models/spam/infer', body);
        asked.set('x-request-id', id);
        const got = await answer();
        expectStated(got);
        expect(got.headers['x-request-id']).toBe(id);
        statuses.set(got.status, (statuses.get(got.status) ?? 0) + 1);
        answered.push(id);
      }),
      runs(200),
    );
    // Valid and invalid bodies were both among them.
    expect(Math.min(statuses.get(200) ?? 0, statuses.get(400) ?? 0)).toBeGreaterThan(5);
    expect((await release.accountFor(answered)).missing).toEqual([]);
    expect(await release.query('SELECT topic, reason, raw FROM dead_letters FINAL LIMIT 3')).toEqual([]);
  }, 150_000);

  it('answers any body of outcomes with 2xx to 4xx, and each outcome it takes becomes exactly one row', async () => {
    const or = (sound: fc.Arbitrary<unknown>) =>
      fc.oneof({ weight: 30, arbitrary: sound }, { weight: 1, arbitrary: hostile });
    const text = (most: number) => or(fc.string({ unit: 'binary', minLength: 1, maxLength: most }));
    const numbers = fc.constantFrom(
      1,
      'a',
      true,
      1e308,
      5e-324,
      -0,
      2 ** 53,
      -1e21,
      '\ud83d',
      '\u0000',
      '9'.repeat(400),
    );
    const times = fc.constantFrom(0, 1, 2 ** 53 - 1, 253_402_300_800_000, 1e308, -1, Date.now(), Date.now() - 3.4e10);
    const about = fc.oneof(
      text(128).map((request_id) => ({ request_id })),
      text(256).map((unit) => ({ unit })),
      fc.record({ request_id: hostile, unit: hostile }),
    );
    const more = fc.record({ event_id: text(128), time: times, at: hostile }, { requiredKeys: [] });
    const stated = fc.record({
      endpoint: or(fc.constant('spam')),
      name: or(fc.constantFrom('label', 'a.b-c_0', 'constructor')),
      value: or(fc.oneof<fc.Arbitrary<unknown>[]>(numbers, fc.double(), text(1024))),
    });
    const outcome = fc
      .tuple(stated, about, fc.oneof(fc.constant({}), more))
      .map((parts) => Object.assign({}, ...parts));
    const many = fc.array(outcome, { maxLength: 3 }).map((outcomes) => ({ outcomes }));
    const taken = new Set<string>();
    await fc.assert(
      fc.asyncProperty(bodies(fc.oneof(outcome, many).map((o) => JSON.stringify(o))), async (body) => {
        const got = await (await send(router(), 'post', '/v1/outcomes', body)).answer();
        expectStated(got);
        if (got.status === 202)
          for (const id of (JSON.parse(got.text) as { event_ids: string[] }).event_ids) taken.add(id);
      }),
      runs(250),
    );
    expect(taken.size).toBeGreaterThan(20);
    const rows = async () => {
      const found = await release.query<{ id: string; n: number }>(
        'SELECT event_id AS id, count() AS n FROM outcomes FINAL GROUP BY id',
      );
      return new Map(found.map(({ id, n }) => [id, n]));
    };
    // What JSON writes as half of a surrogate pair is U+FFFD in a row.
    const wanted = [...taken].map((id) => id.replace(/\p{Surrogate}/gu, '\ufffd')).sort();
    await until('each outcome to be a row', async () => {
      const found = await rows();
      return wanted.every((id) => found.has(id));
    }).catch(() => undefined);
    expect([...(await rows())].sort()).toEqual([...new Set(wanted)].map((id) => [id, 1]));
    expect(await release.query('SELECT topic, reason, raw FROM dead_letters FINAL LIMIT 3')).toEqual([]);
  }, 150_000);

  it('answers any bytes on its socket, and serves afterwards', async () => {
    const path = fc.oneof(
      fc.constantFrom(
        '/v2/models/%/infer',
        '/v2/models/%00/infer',
        '/v2/models/%ff/infer',
        '//',
        '*',
        '/v2/models//infer',
      ),
      fc.string({ unit: 'binary', maxLength: 30 }).map((s) => `/v2/models/${s}/infer`),
      fc.constant('/v2/models/spam/infer'),
      fc.constant(`/v2/models/${'a'.repeat(20_000)}/infer`),
    );
    const header = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b).toString('latin1')),
      fc.constantFrom('7', '-1', '1e3', 'chunked', '\xff\xfe', 'x'.repeat(9000), '%', 'traceparent', '00-0-0-0'),
    );
    const names = ['x-request-id', 'x-slipway-unit', 'traceparent', 'content-length', 'transfer-encoding', 'expect'];
    const headers = fc.array(fc.tuple(fc.constantFrom(...names, 'content-type', 'authorization'), header), {
      maxLength: 3,
    });
    const asked = fc.tuple(fc.constantFrom('POST', 'GET', 'PUT', 'BREW', ''), path, headers, bodies(written));
    await fc.assert(
      fc.asyncProperty(asked, async ([method, at, extra, body]) => {
        const lines = [`${method} ${at} HTTP/1.1`, 'host: a', 'connection: close', ...extra.map((h) => h.join(': '))];
        if (!extra.some(([h]) => h === 'content-length')) lines.push(`content-length: ${body.length}`);
        const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
        const status = await raw(router(), Buffer.concat([head, body]));
        expect([status, status !== undefined && status >= 100 && status < 500]).toEqual([status, true]);
      }),
      runs(100),
    );
    expect((await release.infer('afterwards')).status).toBe(200);
  }, 150_000);
});

describe('the registry, asked by a fuzzer', () => {
  const id = fc.oneof(
    fc.constantFrom('nobody', '1', '0', '-1', '1e9', '99999999999999999999', '%00', '%ff', '%', '..', 'a'.repeat(300)),
    fc.uuid(),
    fc.string({ unit: 'binary', maxLength: 20 }).map((s) => encodeURIComponent(s)),
  );
  const query = fc.array(
    fc.tuple(
      fc.constantFrom('cursor', 'limit', 'from', 'to', 'aggregate', 'endpoint', 'status'),
      fc.oneof(fc.constantFrom('', '0', '-1', '1e308', '9'.repeat(30), 'e30', 'bnVsbA', '%00', '[]'), id),
    ),
    { maxLength: 3 },
  );
  it.each(roles)(
    'answers each operation of the list with 2xx to 4xx, whatever a %s sends',
    async (role: Role) => {
      for (const { operation } of operationsOf(registryApi)) {
        const { method, path, body } = operation;
        const schema =
          body instanceof z.ZodType &&
          (z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>);
        const sent = schema ? bodies(valuesOf(schema).map((v) => JSON.stringify(v))) : fc.constant(undefined);
        await fc.assert(
          fc.asyncProperty(fc.array(id, { minLength: 2, maxLength: 2 }), query, sent, async (ids, asked, bytes) => {
            let at = 0;
            const to = path.replace(/\{\w+\}/g, () => ids[at++] as string);
            const search = asked.map((q) => q.join('=')).join('&');
            const key = release.secrets.keys[role];
            const got = await (
              await send(release.registries[0] as string, method, `${to}?${search}`, bytes, key)
            ).answer();
            expectStated(got);
          }),
          runs(role === 'viewer' ? 3 : 10),
        );
      }
    },
    150_000,
  );
});

describeSizes(() => release);
describeAttacks(() => release);
// Last, because it retires and rolls back what it finds.
describeSchema(() => release);
