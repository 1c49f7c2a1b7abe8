import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { type Problem, type Rollout, type Route, topics, type Version } from '@slipway/contracts';
import { until } from '@slipway/local';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOOD, type Release, startRelease } from '../fixtures/release.ts';

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

const router = () => release.routers[0] as string;
const url = () => `${router()}/v2/models/spam/infer`;
const json = { 'content-type': 'application/json' };
const body = (tensor: object = {}, rest: object = {}) =>
  JSON.stringify({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['hello'], ...tensor }], ...rest });
const post = (b: string | Uint8Array, headers: Record<string, string> = {}, to = url()) =>
  fetch(to, { method: 'POST', headers: { ...json, ...headers }, body: b as never });
const outcomes = (sent: object) => request(router()).post('/v1/outcomes').send(sent);
const row = async (requestId: string) => {
  await until(
    'the row',
    async () =>
      (await release.query('SELECT 1 FROM predictions WHERE request_id = {id:String}', { id: requestId })).length > 0,
  );
  return (
    await release.query<Record<string, unknown>>('SELECT * FROM predictions FINAL WHERE request_id = {id:String}', {
      id: requestId,
    })
  )[0] as Record<string, unknown>;
};

describe('the Open Inference Protocol', () => {
  it('answers with the outputs of the model, echoes the id, and says who answered', async () => {
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

  it('gives each row of a batch what it would get alone', async () => {
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
  it('answers what is under way, and the rows say what their callers read', async () => {
    const asked: ServerResponse[] = [];
    const slow = createServer((req, res) => req.resume().on('end', () => asked.push(res)));
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const { bundle } = await release.viewer.call<Version>('GET', '/v1/models/spam/versions/1');
    const infra = { ...bundle.infra, url: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` };
    const { version } = await release.admin.call<Version>('POST', '/v1/models/spam/versions', {
      bundle: { ...bundle, infra },
    });
    await release.operator.call('PUT', '/v1/endpoints/slow', { model: 'spam', version });
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

describe('bad input at the router', () => {
  it.each([
    ['a body that is not JSON', () => post('{"inputs": ['), 400, 'malformed_json', /./],
    ['a body that is not UTF-8', () => post(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), 400, 'malformed_json', /UTF-8/],
    ['no inputs', () => post('{}'), 400, 'invalid_tensor', /inputs: must be a list/],
    [
      'a wrong tensor name',
      () => post(body({ name: 'txt' })),
      400,
      'invalid_tensor',
      /inputs\.0\.name: there is no input "txt"; the model takes "text"/,
    ],
    [
      'a wrong datatype',
      () => post(body({ datatype: 'FP32', data: [1] })),
      400,
      'invalid_tensor',
      /inputs\.0\.datatype: is FP32; "text" is BYTES/,
    ],
    [
      'a wrong shape',
      () => post(body({ shape: [1] })),
      400,
      'invalid_tensor',
      /inputs\.0\.shape: is \[1\]; "text" has \[-1, 1\]/,
    ],
    [
      'data that does not fill the shape',
      () => post(body({ shape: [2, 1] })),
      400,
      'invalid_tensor',
      /inputs\.0\.data: has 1 elements; the shape \[2, 1\] needs 2/,
    ],
    [
      'an element of another type',
      () => post(body({ data: [7] })),
      400,
      'invalid_tensor',
      /inputs\.0\.data\.0: must be a string/,
    ],
    [
      'an unknown output',
      () => post(body({}, { outputs: [{ name: 'colour' }] })),
      400,
      'invalid_tensor',
      /outputs\.0\.name/,
    ],
    [
      'too many rows',
      () => post(body({ shape: [5000, 1], data: Array.from({ length: 5000 }, () => 'x') })),
      400,
      'invalid_tensor',
      /5000 rows; at most/,
    ],
    [
      'an unknown endpoint',
      () => post(body(), {}, `${router()}/v2/models/nowhere/infer`),
      404,
      'unknown_endpoint',
      /nowhere/,
    ],
    [
      'a body that is too large',
      () => post(body({ data: ['x'.repeat(2_000_001)] })),
      413,
      'too_large',
      /2000000 bytes/,
    ],
    [
      "a version without an operator's key",
      () => post(body(), { 'x-slipway-version': '1' }),
      403,
      'forbidden',
      /operator's key/,
    ],
  ] as const)(
    '%s gets a 4xx problem that names what is wrong, counted, without a stack trace',
    async (_, ask, status, code, message) => {
      const count = async () =>
        Number(
          new RegExp(`slipway_problems_total\\{code="${code}"\\} (\\d+)`).exec(
            await (
              await fetch(
                `${code === 'invalid_tensor' || code === 'malformed_json' ? release.workers[0] : router()}/metrics`,
              )
            ).text(),
          )?.[1] ?? 0,
        );
      const before = await count();
      const response = await ask();
      const problem = (await response.json()) as Problem;
      expect(response.status, JSON.stringify(problem)).toBe(status);
      expect(problem).toMatchObject({ code, status, error: expect.any(String) });
      expect(problem.detail).toMatch(message);
      expect(JSON.stringify(problem)).not.toMatch(/\bat .+:\d+:\d+/);
      expect(await count()).toBe(before + 1);
    },
  );

  it('logs odd bodies so that no row is lost', async () => {
    const odd: [string, string | Buffer][] = [
      ['odd-newlines', body().replace('{', '{\n\r\n ')],
      ['odd-surrogate', body().replace('hello', '\\ud800')],
      ['odd-not-json', '{"inputs": ['],
      ['odd-bytes', Buffer.from([0x7b, 0xff, 0x0a, 0x7d])],
      ['odd-empty', ''],
      ['odd-large', body({ data: ['y'.repeat(300_000)] })],
      [
        'odd-deep',
        `{"a":${'['.repeat(2000)}${']'.repeat(2000)},` +
          '"inputs":[{"name":"text","datatype":"BYTES","shape":[1,1],"data":["x"]}]}',
      ],
      ['odd-number', body().replace('"hello"', '"hello"],"x":[1e999')],
    ];
    for (const [id, b] of odd) await post(b, { 'x-request-id': id });
    const logged = async (id: string) => JSON.parse((await row(id))['request'] as string) as unknown;
    // What every reader of JSON takes is as it was; anything else is its text.
    expect(await logged('odd-newlines')).toEqual(JSON.parse(body()));
    expect(await logged('odd-empty')).toBeNull();
    for (const [id, b] of odd.filter(([id]) => !['odd-newlines', 'odd-empty', 'odd-large'].includes(id)))
      expect(await logged(id), id).toBe(b.toString());
    expect(JSON.parse((await row('odd-large'))['request'] as string)).toMatchObject({
      bytes: expect.any(Number),
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      head: expect.stringContaining('inputs'),
    });
    expect(await release.query("SELECT reason, raw FROM dead_letters WHERE topic = 'slipway.predictions.v1'")).toEqual(
      [],
    );
  });

  it('lands the row of a body that only its escapes make long, with its digest', async () => {
    const bytes = Buffer.alloc(256 * 1024, 1);
    await post(bytes, { 'x-request-id': 'odd-escapes' });
    const { digest, head } = JSON.parse((await row('odd-escapes'))['request'] as string) as Record<string, string>;
    expect([digest, head]).toEqual([createHash('sha256').update(bytes).digest('hex'), '\u0001'.repeat(1024)]);
  });

  it('keeps the outputs whatever the id looks like: 1e999 in a UUID, or nineteen digits', async () => {
    for (const id of ['0198c0de-0000-7000-8000-00001e999abc', '1234567890123456789']) {
      expect((await post(body({}, { id }))).status).toBe(200);
      const { request, outputs } = await row(id);
      expect(JSON.parse(request as string)).toMatchObject({ id });
      expect(Object.keys(outputs as object).sort()).toEqual(['class', 'probability']);
    }
  });

  it.each([
    ['no name', { endpoint: 'spam', value: 1, request_id: 'r' }, 400, /name/],
    [
      'neither unit nor request',
      { endpoint: 'spam', name: 'label', value: 1 },
      400,
      /unit: give either unit or request_id/,
    ],
    ['an unknown endpoint', { endpoint: 'nowhere', name: 'label', value: 1, unit: 'u' }, 404, /nowhere/],
    ['a value that is no scalar', { endpoint: 'spam', name: 'label', value: [1], unit: 'u' }, 400, /value/],
  ])('refuses an outcome with %s', async (_, outcome, status, message) => {
    const { body } = await outcomes(outcome)
      .expect(status)
      .expect('content-type', /application\/problem\+json/);
    expect(body.detail).toMatch(message);
  });
});

describe('an outcome that nobody waits for', () => {
  const outcome = async (name: string): Promise<string[] | undefined> =>
    (await outcomes({ endpoint: 'spam', name, value: 1, unit: 'u' }).expect(202)).body.warnings;
  it('is taken with a warning and counted, once; a metric that is declared makes its outcome known', async () => {
    const unread = async () =>
      Number(
        /slipway_router_outcomes_unread_total\{endpoint="spam"\} (\d+)/.exec(
          (await request(router()).get('/metrics')).text,
        )?.[1] ?? 0,
      );
    const before = await unread();
    expect(await outcome('labell')).toEqual([expect.stringMatching(/"labell": no metric reads this outcome.*label/)]);
    expect(await outcome('labell')).toBeUndefined();
    expect(await outcome('label')).toBeUndefined();
    expect(await unread()).toBe(before + 1);
    await release.admin.call('PUT', '/v1/metrics/purchases', {
      kind: 'proportion',
      source: { outcome: 'bought' },
      per: 'exposed',
      direction: 'higher',
    });
    let n = 0;
    await until('the router to know', async () => (await outcome(`other-${n++}`))?.[0]?.includes('bought') === true);
    expect(await outcome('bought')).toBeUndefined();
  });
});

describe('a router that starts from a snapshot which is older than a tombstone that was cleaned away', () => {
  it('gives the deleted endpoint up once it has read the topic, and keeps the others', async () => {
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

describe('a worker whose port others can reach', () => {
  it('answers the router, which shows it a key, and whoever else shows a valid one; health needs none', async () => {
    const worker = release.workers[0] as string;
    const infer = (authorization?: string) =>
      post(body(), authorization ? { authorization } : {}, `${worker}/v2/models/spam/versions/1/infer`);
    expect((await post(body())).status).toBe(200);
    for (const wrong of [undefined, 'Bearer wrong', `Basic ${release.secrets.keys.viewer}`]) {
      const answer = await infer(wrong);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'unauthenticated']);
    }
    expect((await infer(`Bearer ${release.secrets.keys.viewer}`)).status).toBe(200);
    const get = async (path: string, key = false) =>
      (await (key ? release.read(worker + path) : fetch(worker + path))).status;
    for (const path of ['/v2', '/v2/models/spam/versions/1', '/v2/models/spam/versions/1/ready'])
      expect([path, await get(path), await get(path, true)]).toEqual([path, 401, 200]);
    for (const path of ['/healthz', '/readyz', '/metrics', '/v2/health/live', '/v2/health/ready'])
      expect([path, await get(path)]).toEqual([path, 200]);
  });
});

describe('a hostile caller', () => {
  const everyone = () => ['router-1', 'worker-1', 'registry-1', 'stats-1'] as const;
  const addresses = () => [router(), release.workers[0] as string, release.registries[0] as string, release.stats];
  const send = (to: string, bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(to).port), '127.0.0.1', () => socket.write(bytes, 'latin1'));
      let answer = '';
      socket.on('data', (d) => (answer += d));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  const request = (line: string, ...headers: string[]) =>
    [`${line} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n');
  const pids = () => everyone().map((name) => release.supervisor.pid(name));

  it('gets a 4xx from every service for whatever is malformed, and ends none of them', async () => {
    const before = pids();
    for (const path of [
      '/v2/models/%/infer',
      '/v2/models/%ff/infer',
      '/v2/models/spam/versions/%/infer',
      '/v2/models/%/versions/1/infer',
      '/v2/models/%',
      '/v1/%c0%af',
      'http://elsewhere/v2/models/%/infer',
      '/v2/models/__proto__/infer',
      '*',
    ])
      for (const to of addresses()) {
        const answer = await send(to, request(`POST ${path}`, 'Content-Length: 0'));
        expect(answer, `${path} ${to}`).toMatch(/^HTTP\/1\.1 4\d\d /);
      }
    for (const bytes of [
      '\x00\x01\x02',
      request('POST /v2/models/spam/infer', 'Content-Length: x'),
      `${request('POST /v2/models/spam/infer', 'Content-Length: 2', 'Content-Encoding: gzip')}{}`,
      `${request('POST /v2/models/spam/infer', 'Content-Length: 2', 'Expect: cake')}{}`,
      `${request('POST /v2/models/spam/infer', 'Content-Length: 2', 'X-Request-Id: \xff\xfe\x80')}{}`,
      `${request('POST /v2/models/spam/infer', 'Content-Length: 2', 'X-Request-Id: 日本'.replace(/./gu, '\xe6'))}{}`,
      `${request('POST /v2/models/spam/infer', 'Content-Length: 11')}{"id":"\\n"}`,
      request('CONNECT x:1'),
    ])
      for (const to of addresses())
        if (!bytes.includes('/v2/') || to === router())
          expect(await send(to, bytes), JSON.stringify(bytes)).toMatch(/^HTTP\/1\.1 4\d\d /);
    // a good request between bad ones of one connection
    const good = body();
    const pipeline = await send(
      router(),
      `POST /v2/models/%/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n` +
        request('POST /v2/models/spam/infer', `Content-Length: ${good.length}`) +
        good,
    );
    expect(pipeline).toMatch(/^HTTP\/1\.1 400 [\s\S]*HTTP\/1\.1 200 /);
    expect(
      await send(router(), request('POST http://x/v2/models/spam/infer', `Content-Length: ${good.length}`) + good),
    ).toMatch(/^HTTP\/1\.1 200 /);
    expect(pids()).toEqual(before);
  });

  it('makes rows that ClickHouse takes, whatever its ids, units, bodies and outcomes are', async () => {
    const raw = (value: string) => Buffer.from(value, 'utf8').toString('latin1');
    const texts = ['josé 日本 😀', 'a"b\\c{', '\u2028'];
    for (const [i, text] of texts.entries()) {
      const answer = await post(body(), { 'x-request-id': raw(text), 'x-slipway-unit': raw(text) });
      expect(answer.headers.get('x-request-id'), text).toBe(raw(text));
      const byBody = await post(body({}, { id: `body-${i}-${text}` }));
      expect(byBody.headers.get('x-request-id')).toBe(raw(`body-${i}-${text}`));
    }
    const bodies = [
      '{"a":"\\ud83d\\ude00","b":"\\ud83d"}',
      '{"a":"\\\\ud83d\\ude00"}',
      '{"a":1,"a":2,"\\u0000":"\\u0000"}',
      '{"id":"lone \\ud800"}',
      '{"parameters":{"unit":"lone \\ud800"},"parameters":{"unit":12345678901234567890}}',
      '[1e400,-1e-400,123456789012345678901234567890]',
      Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
      Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1'),
    ];
    for (const [i, b] of bodies.entries()) await post(b, i === 3 ? {} : { 'x-request-id': `hostile-${i}` });
    const outcomes = [1e20, -1e300, 2 ** 63, '\ud800', '\u0000', true].map((value, i) => ({
      endpoint: 'spam',
      name: 'odd',
      value,
      unit: `odd \udc00 ${i}`,
    }));
    expect((await post(JSON.stringify({ outcomes }), {}, `${router()}/v1/outcomes`)).status).toBe(202);
    const numbers = () =>
      release.query<{ number: number | null }>("SELECT number FROM outcomes FINAL WHERE name = 'odd' ORDER BY unit");
    for (const [i, text] of texts.entries()) {
      expect((await row(text))['status']).toBe(200);
      expect((await row(`body-${i}-${text}`))['status']).toBe(200);
    }
    for (const [i, b] of bodies.entries())
      expect((await row(i === 3 ? 'lone \ufffd' : `hostile-${i}`))['status'], String(b)).toBe(400);
    await until('the outcomes', async () => (await numbers()).length === outcomes.length);
    expect((await numbers()).map((r) => r.number)).toEqual([1e20, -1e300, 2 ** 63, null, null, 1]);
    expect(await release.query("SELECT reason, raw FROM dead_letters WHERE consumer = 'clickhouse'")).toEqual([]);
  });

  it('asks for a valid key on every path but those of health once it listens where others can reach it', async () => {
    const at = release.routers[1] as string;
    const ask = (key?: string) =>
      Promise.all([
        post(body(), key ? { authorization: `Bearer ${key}` } : {}, `${at}/v2/models/spam/infer`),
        post(
          JSON.stringify({ endpoint: 'spam', unit: 'u' }),
          key ? { authorization: `Bearer ${key}` } : {},
          `${at}/v1/assignments`,
        ),
        post(
          JSON.stringify({ endpoint: 'spam', name: 'label', value: 1, unit: 'u' }),
          key ? { authorization: `Bearer ${key}` } : {},
          `${at}/v1/outcomes`,
        ),
        ...['/v2', '/v2/models/spam', '/v2/models/spam/ready'].map((path) =>
          fetch(at + path, key ? { headers: { authorization: `Bearer ${key}` } } : {}),
        ),
      ]).then((answers) => answers.map((a) => a.status));
    for (const key of [undefined, 'guessed', createHash('sha256').update(release.secrets.keys.viewer).digest('hex')])
      expect(await ask(key)).toEqual([401, 401, 401, 401, 401, 401]);
    expect(await ask(release.secrets.keys.viewer)).toEqual([200, 200, 202, 200, 200, 200]);
    const { key } = await release.admin.call<{ key: string }>('POST', '/v1/keys', { name: 'caller', role: 'viewer' });
    await until('a key that was made meanwhile to be valid', async () => (await ask(key))[0] === 200);
    for (const path of ['/healthz', '/readyz', '/metrics', '/v2/health/live', '/v2/health/ready'])
      expect((await fetch(at + path)).status, path).toBe(200);
  });

  it('who sends binary tensors is told so', async () => {
    const answer = await post('{"inputs":[]}\x01\x02', { 'inference-header-content-length': '13' });
    expect(answer.status).toBe(415);
    expect(((await answer.json()) as Problem).detail).toMatch(/binary tensor data .* is not understood/);
  });
});

describe('a query parameter that nothing reads', () => {
  it('is a 400 by its name from the analysers and the router too, for whoever may ask at all', async () => {
    const results = (query: string) =>
      request(release.stats).get(`/v1/results/0198c0de-0000-7000-8000-000000000001${query}`);
    const read = (query: string) => results(query).set('authorization', `Bearer ${release.secrets.keys.viewer}`);
    expect((await read('?step=1').expect(400)).body.detail).toMatch(/^step: is no parameter/);
    await read('').expect(404);
    await results('?step=1').expect(401);
    const posted = await request(router()).post('/v1/outcomes?dry_run=1').send({}).expect(400);
    expect(posted.body.detail).toMatch(/^dry_run: is no parameter/);
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
  afterAll(() => release.operator.command(rollout.id, 'abort', 'done'));

  const assignments = async (units: string[]): Promise<Record<string, unknown>[]> =>
    (await request(router()).post('/v1/assignments').send({ endpoint: 'spam', units })).body.assignments;

  it('answers for other services exactly as it assigns itself, and as the published hash says', async () => {
    const { assignmentPoint } = await import('@slipway/contracts');
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

/** No such process, or one that only waits to be buried. */
function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}

describe('poison and broken artefacts', () => {
  it('keeps its last good route when a poisonous one is published, and says so', async () => {
    const producer = release.kafka.producer();
    await producer.connect();
    await producer.send({
      topic: topics.routes.name,
      messages: [{ key: 'spam', value: '{"endpoint":"spam","control":"gone"}' }],
    });
    await producer.disconnect();
    await until(
      'the dead letter',
      async () =>
        (await release.query("SELECT 1 FROM dead_letters WHERE topic = 'slipway.routes.v1' AND consumer = 'router-1'"))
          .length > 0,
    );
    expect((await post(body())).status).toBe(200);
  });

  it('fails with a clear 503 when no target is left, never with silence', async () => {
    const worker = release.supervisor.pid('worker-1');
    // One process for each version that it has loaded; none of them may outlive it.
    const models = readFileSync(`/proc/${worker}/task/${worker}/children`, 'utf8').trim().split(' ').map(Number);
    expect(models.every((pid) => pid > 0)).toBe(true);
    release.supervisor.kill('worker-1', 'SIGKILL', { restart: false });
    await until('the worker to be gone', () => release.supervisor.pid('worker-1') === undefined);
    await until("its models' processes to be gone", () => models.every(isGone));
    const response = await post(body(), { 'x-request-id': 'nobody-there' });
    expect(response.status).toBe(503);
    expect((await response.json()) as Problem).toMatchObject({
      code: 'no_target',
      detail: expect.stringContaining('no target of "spam" is able to answer now'),
    });
    expect(await row('nobody-there')).toMatchObject({ status: 503, served_version: '', error_code: 'no_target' });
    await release.supervisor.startAgain('worker-1');
    await until('answers again', async () => (await post(body())).status === 200);
  });
});

describe('a version that cannot be loaded', () => {
  const loadable = async (version: number) =>
    (await release.viewer.call<Version>('GET', `/v1/models/spam/versions/${version}`)).loadable;
  const tried = async (version: number) => {
    await until('a worker to try it', async () => (await loadable(version)).state !== 'untested');
    return loadable(version);
  };
  const goodBytes = async () => {
    const { bundle } = await release.viewer.call<Version>('GET', `/v1/models/spam/versions/${GOOD}`);
    const { sha256 } = bundle.artifact;
    return readFileSync(join(release.folder, 'artifacts', sha256.slice(0, 2), sha256));
  };
  /** It reaches the person who registered it, and neither an endpoint nor a rollout takes it. */
  const refusedWith = async (version: number, reason: RegExp) => {
    expect(await tried(version)).toEqual({ state: 'failed', reason: expect.stringMatching(reason) });
    const asked = [
      release.operator.call('PUT', '/v1/endpoints/other', { model: 'spam', version }),
      release.rollOut(version),
    ];
    for (const refused of await Promise.allSettled(asked))
      expect((refused as { reason?: { problem: Problem } }).reason?.problem).toMatchObject({
        status: 422,
        code: 'unmet_reference',
        detail: expect.stringMatching(new RegExp(`spam:${version} cannot be loaded: .*${reason.source}`)),
      });
    await expect(release.operator.call('GET', '/v1/endpoints/other')).rejects.toThrow(/there is no endpoint/);
  };

  it('is tried once by a worker, and those that can be loaded say so', async () => {
    expect(await tried(GOOD)).toEqual({ state: 'loaded', reason: '' });
  });

  it('tells whoever registered it that its bytes are no model', async () => {
    await refusedWith(
      (await release.register(Buffer.from('this is no model'))).version,
      /Load model from its file failed: ?Protobuf parsing failed/,
    );
  });

  it('tells what of its signature does not fit the file', async () => {
    const signature = {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
    };
    const { version } = await release.register(await goodBytes(), { signature });
    await refusedWith(version, /output "probabilities" is not in the file; the file gives "probability", "class"/);
  });

  it('tells which case of its validation set says otherwise', async () => {
    const validation = [
      {
        inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['hello'] }],
        outputs: [{ name: 'probability', data: [0.123456], tolerance: 1e-6 }],
      },
    ];
    const { version } = await release.register(await goodBytes(), { validation });
    await refusedWith(version, /validation case 0: output "probability" is .* where 0.123456 is expected/);
    expect((await post(body())).headers.get('x-slipway-version')).toBe('spam:1');
  });

  it('tells that the store gives other bytes than those of its digest', async () => {
    const bytes = Buffer.from(`model ${Math.random()}`);
    const sha = createHash('sha256').update(bytes).digest('hex');
    // Whoever spoils the store is there before the worker.
    await release.admin.call('PUT', `/v1/artifacts/${sha}`, bytes);
    writeFileSync(join(release.folder, 'artifacts', sha.slice(0, 2), sha), 'somebody was here');
    const { bundle } = await release.viewer.call<Version>('GET', `/v1/models/spam/versions/${GOOD}`);
    const { version } = await release.admin.call<Version>('POST', '/v1/models/spam/versions', {
      bundle: { ...bundle, artifact: { sha256: sha } },
    });
    await refusedWith(version, new RegExp(`gave bytes with the SHA-256 [0-9a-f]{64}; the version names ${sha}`));
  });

  it('leaves nothing loaded: after a trial, a version that no route names is unloaded', async () => {
    const ready = async (version: number) =>
      (await release.read(`${release.workers[0]}/v2/models/spam/versions/${version}/ready`)).status;
    // This worker has loaded it: it was registered just now.
    const { version } = await release.register(await goodBytes(), { price: Math.random() });
    expect(await tried(version)).toEqual({ state: 'loaded', reason: '' });
    await until('it to be unloaded', async () => (await ready(version)) !== 200, 30_000);
    expect(await ready(1)).toBe(200);
  });
});

describe('the hosts that a bundle names', () => {
  it('are refused at registration, with the setting that decides, when configuration does not allow them', async () => {
    const onnx = Buffer.from('never loaded');
    for (const [extra, message] of [
      [
        { infra: { url: 'http://169.254.169.254/latest' } },
        'bundle.infra.url: the host "169.254.169.254" is not one that may be asked by HTTP; TARGET_HOSTS allows',
      ],
      [
        { artifact: { sha256: 'a'.repeat(64), uri: 'https://models.example/m.onnx' } },
        'bundle.artifact.uri: the host "models.example" is not one that may be asked by HTTP; ARTIFACT_HOSTS allows',
      ],
    ] as const)
      await expect(release.register(onnx, extra)).rejects.toThrow(message);
    expect((await release.register(onnx, { infra: { url: 'http://127.0.0.1:9' } })).version).toBeGreaterThan(0);
  });
});
