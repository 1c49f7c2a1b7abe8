import { request } from 'node:http';
import { connect } from 'node:net';
import { topics } from '@slipway/contracts';
import { sleep } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of fuzz.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Release } from '../fixtures/release.ts';

const tensors = (id: string) =>
  JSON.stringify({ id, inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: [`mail ${id}`] }] });

/** Hostile callers; part of the suite of the fuzz, on its stack. */
export function describeAttacks(stack: () => Release): void {
  const port = (url: string | undefined) => Number(new URL(url as string).port);
  /** Everything that comes back until the other side closes. @param close whether our side is half-closed at once */
  const exchange = (url: string | undefined, bytes: string, close = false) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(port(url), '127.0.0.1', () => (close ? socket.end(bytes) : socket.write(bytes)));
      let answer = '';
      socket.on('data', (d) => (answer += d));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
      socket.setTimeout(20_000, () => socket.destroy(new Error(`no end after: ${answer.slice(0, 500)}`)));
    });
  const registry = (method: string, path: string, body: string | undefined, headers: Record<string, string> = {}) =>
    fetch(`${stack().registries[0]}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${stack().secrets.keys.admin}`,
        'content-type': 'application/json',
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  const infer = (id: string, version: '1.0' | '1.1', ...headers: string[]) => {
    const body = tensors(id);
    const head = [`POST /v2/models/spam/infer HTTP/${version}`, `Content-Length: ${body.length}`, ...headers];
    return `${[...head, ...(version === '1.1' ? ['Host: x'] : [])].join('\r\n')}\r\n\r\n${body}`;
  };

  describe('on one connection', () => {
    it('a hundred pipelined requests are answered in their order, each with its own answer', async () => {
      const ids = Array.from({ length: 100 }, (_, i) => `piped-${i}`);
      const answer = await exchange(
        stack().routers[0],
        ids.map((id, i) => infer(id, '1.1', ...(i === 99 ? ['Connection: close'] : []))).join(''),
      );
      expect([...answer.matchAll(/^x-request-id: (\S+)/gim)].map((m) => m[1])).toEqual(ids);
      expect([...answer.matchAll(/"id":"(\S+?)"/g)].map((m) => m[1])).toEqual(ids);
      expect((await stack().accountFor(ids)).missing).toEqual([]);
    });

    it.each([
      ['of HTTP/1.0, without a host', () => infer('old', '1.0'), 200],
      [
        'that asks before it sends its body',
        () => infer('asks', '1.1', 'Expect: 100-continue', 'Connection: close'),
        100,
      ],
      ['that wants another protocol', () => infer('h2c', '1.1', 'Upgrade: h2c', 'Connection: Upgrade, close'), 200],
      ['with a length and chunks', () => infer('both', '1.1', 'Transfer-Encoding: chunked', 'Connection: close'), 400],
      ['with chunks of another coding', () => infer('gz', '1.1', 'Transfer-Encoding: gzip', 'Connection: close'), 400],
      ['with two lengths that differ', () => infer('two', '1.1', 'Content-Length: 3', 'Connection: close'), 400],
      [
        'with a name in two headers',
        () => infer('n', '1.1', 'X-Slipway-Unit: a', 'X-Slipway-Unit: b', 'Connection: close'),
        200,
      ],
      ['with a folded header', () => infer('fold', '1.1', 'X-A: 1\r\n 2', 'Connection: close'), 400],
    ])('a request %s is answered as HTTP says', async (_, bytes, status) => {
      expect(await exchange(stack().routers[0], bytes())).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    });

    it('bodies that never end, and half-closed sockets, delay no other caller and leave nothing behind', async () => {
      const { routers, registries } = stack();
      const open = [routers[0], registries[0]].flatMap((url) =>
        Array.from({ length: 100 }, () => {
          const socket = connect(port(url), '127.0.0.1');
          socket.on('error', () => undefined);
          socket.write('POST /v2/models/spam/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"inputs"');
          return socket;
        }),
      );
      const began = performance.now();
      expect((await stack().infer('beside them')).status).toBe(200);
      expect((await registry('GET', '/v1/models', undefined)).status).toBe(200);
      expect(performance.now() - began).toBeLessThan(5000);
      for (const [i, socket] of open.entries()) i % 2 ? socket.destroy() : socket.end();
      expect(await exchange(routers[0], infer('half', '1.1', 'Connection: close'), true)).toMatch(/^HTTP\/1\.1 200 /);
    });
  });

  it('a refusal of the router or the worker does not send back what was sent', async () => {
    const { routers, workers } = stack();
    const tensor = { name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['x'] };
    const long = 'x'.repeat(200_000);
    const changes = [{ shape: Array.from({ length: 100_000 }, () => 1) }, { name: long }, { datatype: long }];
    for (const url of [`${routers[0]}/v2/models/spam/infer`, `${workers[0]}/v2/models/spam/versions/1/infer`])
      for (const change of changes) {
        const body = JSON.stringify({ inputs: [{ ...tensor, ...change }] });
        const answer = await fetch(url, { method: 'POST', body });
        expect(answer.status).toBe(400);
        expect((await answer.text()).length).toBeLessThan(20_000);
      }
  });

  describe('at the registry', () => {
    it.each([
      ['nests 50,000 deep', `{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'application/json', 400],
      ['nests deep in objects', `{"name":${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}}`, 'application/json', 400],
      ['is bytes', '{"name":"bytes"}', 'application/octet-stream', 415],
      ['names a prototype', '{"name":"p","__proto__":{"role":"admin"}}', 'application/json', 400],
      ['names a constructor', '{"name":"p","constructor":{"prototype":{"role":"admin"}}}', 'application/json', 400],
    ])('a body that %s is refused, with an Idempotency-Key too', async (_, body, type, status) => {
      for (const key of [undefined, 'attack']) {
        const headers = { 'content-type': type, ...(key ? { 'idempotency-key': `${key} ${_}` } : {}) };
        const answer = await registry('POST', '/v1/models', body, headers);
        expect([answer.status, answer.headers.get('content-type')]).toEqual([
          status,
          'application/problem+json; charset=utf-8',
        ]);
        expect(await answer.text()).not.toContain('_readableState');
      }
    });

    it.each([
      ['router', () => `${stack().routers[0]}/v1/outcomes`],
      ['registry', () => `${stack().registries[0]}/v1/metrics/many`],
    ])('eight megabytes of unknown names get a short answer of the %s, and block it only briefly', async (_, url) => {
      const body = JSON.stringify(Object.fromEntries(Array.from({ length: 600_000 }, (_x, i) => [`k${i}`, 0])));
      const answer = await fetch(url(), {
        method: url().endsWith('outcomes') ? 'POST' : 'PUT',
        headers: { authorization: `Bearer ${stack().secrets.keys.admin}`, 'content-type': 'application/json' },
        body,
      });
      expect(answer.status).toBe(400);
      expect((await answer.text()).length).toBeLessThan(50_000);
    });

    it('twenty requests that wait for a candidate that is not loaded keep no connection from the others', async () => {
      const { supervisor, kafka, register, operator } = stack();
      supervisor.kill('worker-1', 'SIGSTOP');
      const producer = kafka.producer();
      await producer.connect();
      // A worker that is alive and never tries anything.
      const idle = { instance_id: 'idle', kind: 'worker', boot: 'b', address: 'http://127.0.0.1:9', applied: {} };
      const beat = () => {
        const value = JSON.stringify({
          ...idle,
          time: Date.now(),
          versions: [],
          ejections: [],
          counters: {},
          notes: {},
        });
        return producer.send({ topic: topics.instances.name, messages: [{ key: 'idle', value }] });
      };
      await beat();
      const beating = setInterval(() => void beat(), 500);
      try {
        const { version } = await register(Buffer.from(`nobody loads this ${Math.random()}`));
        const spec = { endpoint: 'spam', candidate: { model: 'spam', version }, steps: [{ switch: {} }] };
        const stop = new AbortController();
        const waiting = Array.from({ length: 20 }, (_, i) =>
          fetch(`${stack().registries[0]}/v1/rollouts`, {
            method: 'POST',
            signal: stop.signal,
            headers: {
              authorization: `Bearer ${stack().secrets.keys.admin}`,
              'content-type': 'application/json',
              'idempotency-key': `waits-${i}`,
            },
            body: JSON.stringify(spec),
          }).then(
            (r) => r.status,
            () => 'waited',
          ),
        );
        await sleep(2000);
        const began = performance.now();
        await operator.rollouts.list();
        await operator.endpoints.put({ name: 'spam' }, { model: 'spam', version: 1 });
        expect(performance.now() - began).toBeLessThan(3000);
        stop.abort();
        expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'waited'));
      } finally {
        clearInterval(beating);
        await producer.send({ topic: topics.instances.name, messages: [{ key: 'idle', value: null }] });
        await producer.disconnect();
        supervisor.kill('worker-1', 'SIGCONT');
      }
    });

    it('the head of a stream of events ends', async () => {
      const { id } = await stack().operator.rollouts.create({
        endpoint: 'spam',
        candidate: { model: 'spam', version: 2 },
        steps: [{ switch: {} }],
      });
      const ended = new Promise<number | undefined>((resolve, reject) => {
        const asked = request(`${stack().registries[0]}/v1/rollouts/${id}/events`, {
          method: 'HEAD',
          headers: { authorization: `Bearer ${stack().secrets.keys.viewer}`, connection: 'close' },
          timeout: 5000,
        });
        asked.on('timeout', () => asked.destroy(new Error('it does not end')));
        asked.on('response', (answer) =>
          answer.resume().on('end', () => asked.socket?.on('close', () => resolve(answer.statusCode))),
        );
        asked.on('error', reject);
        asked.end();
      });
      expect(await ended).toBe(200);
    });

    it('explains a request whatever id the router accepted', async () => {
      const id = `${'日本'.repeat(63)}/?`;
      const answer = await fetch(`${stack().routers[0]}/v2/models/spam/infer`, { method: 'POST', body: tensors(id) });
      expect(answer.status).toBe(200);
      expect((await stack().accountFor([id])).missing).toEqual([]);
      const explained = await registry('GET', `/v1/requests/${encodeURIComponent(id)}`, undefined);
      expect([explained.status, ((await explained.json()) as { request_id: string }).request_id]).toEqual([200, id]);
    });

    it('says which methods a path takes, and that a model is not there', async () => {
      const other = await registry('PATCH', '/v1/rollouts', '{}');
      expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
      expect((await registry('GET', '/v1/models/nobody/versions', undefined)).status).toBe(404);
    });

    it('does once what sixty ask at once with one key, and refuses the key for anything else', async () => {
      const headers = { 'idempotency-key': 'sixty' };
      const all = await Promise.all(
        Array.from({ length: 60 }, () => registry('POST', '/v1/models', '{"name":"sixty"}', headers)),
      );
      expect(all.map((a) => a.status)).toEqual(all.map(() => 201));
      expect(all.filter((a) => a.headers.get('idempotency-replayed') === null)).toHaveLength(1);
      const others = [
        registry('POST', '/v1/models', '{"name":"sixty","description":"x"}', headers),
        registry('POST', '/v1/keys', '{"name":"sixty"}', headers),
        registry('POST', '/v1/endpoints/spam/rollback', '{"name":"sixty"}', headers),
      ];
      expect((await Promise.all(others)).map((a) => a.status)).toEqual([422, 422, 422]);
    });
  });
}
