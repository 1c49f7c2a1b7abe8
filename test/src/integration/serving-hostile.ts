import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { type Problem } from '@slipway/core';
import { until } from '@slipway/local';
import request from 'supertest';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of serving.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Release } from '../fixtures/release.ts';
import { servingCalls } from './serving-calls.ts';

/** Hostile callers, and callers without a key; part of the suite of serving, on its stack. */
export function describeHostile(stack: () => Release): void {
  const { router, body, post, row } = servingCalls(stack);

  describe('a worker whose port others can reach', () => {
    it('answers the router, which sends it a key, and others with a valid key; health needs none', async () => {
      const worker = stack().workers[0] as string;
      const infer = (authorization?: string) =>
        post(body(), authorization ? { authorization } : {}, `${worker}/v2/models/spam/versions/1/infer`);
      expect((await post(body())).status).toBe(200);
      for (const wrong of [undefined, 'Bearer wrong', `Basic ${stack().secrets.keys.viewer}`]) {
        const answer = await infer(wrong);
        expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'unauthenticated']);
      }
      expect((await infer(`Bearer ${stack().secrets.keys.viewer}`)).status).toBe(200);
      const get = async (path: string, key = false) =>
        (await (key ? stack().read(worker + path) : fetch(worker + path))).status;
      for (const path of ['/v2', '/v2/models/spam/versions/1', '/v2/models/spam/versions/1/ready'])
        expect([path, await get(path), await get(path, true)]).toEqual([path, 401, 200]);
      for (const path of ['/healthz', '/readyz', '/metrics', '/v2/health/live', '/v2/health/ready'])
        expect([path, await get(path)]).toEqual([path, 200]);
    });
  });

  describe('a hostile caller', () => {
    const everyone = () => ['router-1', 'worker-1', 'registry-1', 'stats-1'] as const;
    const addresses = () => [router(), stack().workers[0] as string, stack().registries[0] as string, stack().stats];
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
    const pids = () => everyone().map((name) => stack().supervisor.pid(name));

    it('gets a 4xx from every service for anything malformed, and ends none of them', async () => {
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

    it('makes rows that ClickHouse accepts, whatever its ids, units, bodies and outcomes are', async () => {
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
        stack().query<{ number: number | null }>("SELECT number FROM outcomes FINAL WHERE name = 'odd' ORDER BY unit");
      for (const [i, text] of texts.entries()) {
        expect((await row(text))['status']).toBe(200);
        expect((await row(`body-${i}-${text}`))['status']).toBe(200);
      }
      for (const [i, b] of bodies.entries())
        expect((await row(i === 3 ? 'lone \ufffd' : `hostile-${i}`))['status'], String(b)).toBe(400);
      await until('the outcomes', async () => (await numbers()).length === outcomes.length);
      expect((await numbers()).map((r) => r.number)).toEqual([1e20, -1e300, 2 ** 63, null, null, 1]);
      expect(await stack().query("SELECT reason, raw FROM dead_letters WHERE consumer = 'clickhouse'")).toEqual([]);
    });

    it('needs a valid key on every path except health once it listens where others can reach it', async () => {
      const at = stack().routers[1] as string;
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
      for (const key of [undefined, 'guessed', createHash('sha256').update(stack().secrets.keys.viewer).digest('hex')])
        expect(await ask(key)).toEqual([401, 401, 401, 401, 401, 401]);
      expect(await ask(stack().secrets.keys.viewer)).toEqual([200, 200, 202, 200, 200, 200]);
      const { key } = await stack().admin.keys.create({ name: 'caller', role: 'viewer' });
      await until('a key that was made meanwhile to be valid', async () => (await ask(key))[0] === 200);
      for (const path of ['/healthz', '/readyz', '/metrics', '/v2/health/live', '/v2/health/ready'])
        expect((await fetch(at + path)).status, path).toBe(200);
    });

    it('gets an explanation for binary tensors', async () => {
      const answer = await post('{"inputs":[]}\x01\x02', { 'inference-header-content-length': '13' });
      expect(answer.status).toBe(415);
      expect(((await answer.json()) as Problem).detail).toMatch(/binary tensor data .* are not supported/);
    });
  });

  describe('a query parameter that nothing reads', () => {
    it('is a 400 by its name from the analysers and the router too, for every caller with access', async () => {
      const results = (query: string) =>
        request(stack().stats).get(`/v1/results/0198c0de-0000-7000-8000-000000000001${query}`);
      const read = (query: string) => results(query).set('authorization', `Bearer ${stack().secrets.keys.viewer}`);
      expect((await read('?step=1').expect(400)).body.detail).toMatch(/^step: is not a parameter/);
      await read('').expect(404);
      await results('?step=1').expect(401);
      const posted = await request(router()).post('/v1/outcomes?dry_run=1').send({}).expect(400);
      expect(posted.body.detail).toMatch(/^dry_run: is not a parameter/);
    });
  });
}
