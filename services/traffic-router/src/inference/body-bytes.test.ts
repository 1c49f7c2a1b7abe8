import { connect } from 'node:net';
import { ByteBudget, CallerAccess, KeyRing } from '@slipway/platform';
import { describe, expect, it } from 'vitest';
import {
  CANDIDATE,
  CONTROL,
  endAfterEach,
  good,
  open,
  hangs,
  type Model,
  serve,
  startRouter,
  units,
  until,
  upload,
} from './router.fixture.ts';

endAfterEach();

describe('the bytes of bodies', () => {
  it('are not kept when the caller has no key or names no endpoint: the request is refused first', async () => {
    const server = await serve(good);
    const { url, bytes } = await startRouter(server, server, {}, undefined, {
      access: new CallerAccess('key', new KeyRing()),
    });
    // Not one byte of the body has been sent.
    const { ended, socket } = upload(url, 90_000, 0);
    await until(() => socket.bytesRead > 0);
    socket.end();
    expect(await ended).toMatch(/^HTTP\/1\.1 401 [\s\S]*"code":"unauthenticated"/);
    const large = await fetch(`${url}/v2/models/spam/infer`, { method: 'POST', body: 'x'.repeat(5_000_000) });
    expect([large.status, bytes.used]).toEqual([401, 0]);
    const others = await startRouter(server, server);
    const nowhere = `${others.url}/v2/models/nowhere/infer`;
    // However long it is: the sender gets the response, not a broken connection.
    for (let i = 0; i < 20; i++)
      expect((await fetch(nowhere, { method: 'POST', body: 'x'.repeat(7_000_000) })).status).toBe(404);
  });

  it('under way are limited: beyond the limit 503 with Retry-After, and 200 again when there is room', async () => {
    const server = await serve(good);
    const { url, bytes, ask } = await startRouter(server, server, {}, undefined, { bytes: new ByteBudget(100_000) });
    expect(bytes.used).toBe(0);
    const slow = upload(url, 90_000, 80_000);
    const other = async () => {
      const { status, headers, text } = await ask(CONTROL, {}, '1'.repeat(30_000));
      return [status, headers.get('retry-after'), /"code":"(\w+)"/.exec(text)?.[1]];
    };
    let answer = await other();
    while (answer[0] === 200) answer = await other();
    expect(answer).toEqual([503, '1', 'overloaded']);
    slow.socket.destroy();
    while (answer[0] === 503) answer = await other();
    expect(answer[0]).toBe(200);
  });

  it('are released however the request ends', async () => {
    const server = await serve(good);
    const { url, bytes, ask } = await startRouter(server, server);
    await Promise.all(Array.from({ length: 20 }, () => ask(CONTROL, {}, '1'.repeat(30_000))));
    expect((await ask(CONTROL, {}, 'x'.repeat(200_000))).status).toBe(413);
    const broken = upload(url, 90_000, 10_000);
    await until(() => bytes.used > 0);
    broken.socket.destroy();
    await until(() => bytes.used === 0);
  });

  it('sent to a hung candidate do not reduce what control may use', async () => {
    const limits = { connections: 4, waiting: 500, bytes: 100_000 };
    const router = await startRouter(await serve(good), await serve(hangs), { timeout_ms: 2000 }, limits);
    const body = '1'.repeat(30_000);
    const answers = await Promise.all(units('candidate', 20).map((u) => router.ask(u, {}, body)));
    expect(answers.map((a) => [a.status, a.arm])).toEqual(answers.map(() => [200, 'spam:1']));
    const counted = (code: string) => router.rows.filter((r) => r.error_code === code).length;
    expect({ timeout: counted('timeout'), overloaded: counted('overloaded') }).toEqual({ timeout: 3, overloaded: 17 });
  });

  it('of answers count as well', async () => {
    const huge: Model = (_, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      const more = () => {
        while (!res.destroyed && res.write(Buffer.alloc(65_536, 0x20)));
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    };
    const limits = { connections: 4, waiting: 8, bytes: 1_000_000 };
    const router = await startRouter(await serve(good), await serve(huge), {}, limits);
    const answers = await Promise.all(units('candidate', 2).map((u) => router.ask(u)));
    expect(answers.map((a) => a.arm)).toEqual(['spam:1', 'spam:1']);
    expect(router.rows.map((r) => r.error_code)).toContain('overloaded');
  });

  it('of an answer count until its caller has read it or disconnected', async () => {
    const long = JSON.stringify({ outputs: ['x'.repeat(8_000_000)] });
    const server = await serve((_, res) => res.end(long));
    const router = await startRouter(server, server);
    const { socket } = upload(router.url, 2, 0);
    socket.pause();
    socket.write('{}');
    await until(() => router.rows.length > 0);
    expect(router.bytes.used).toBe(long.length);
    socket.destroy();
    await until(() => router.bytes.used === 0);
  });

  it('in chunks of one byte are read like any others', async () => {
    const server = await serve(good);
    const { url, rows } = await startRouter(server, server);
    const text = JSON.stringify({ a: 'x'.repeat(5000) });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    open.push(async () => socket.destroy());
    const head = ['POST /v2/models/spam/infer HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked', '', ''].join('\r\n');
    socket.write(`${head}${[...text].map((c) => `1\r\n${c}\r\n`).join('')}0\r\n\r\n`);
    await until(() => rows.length > 0);
    expect(rows[0]?.['request']).toEqual(JSON.parse(text));
  });
});

describe('an upload that takes long', () => {
  const body = JSON.stringify({ a: 'x'.repeat(1000) });
  const slowly = async (router: { url: string; bytes: ByteBudget }, ms: number) => {
    const { socket, ended } = upload(router.url, body.length, 0, [`x-slipway-unit: ${CANDIDATE}`, 'connection: close']);
    socket.write(body.slice(0, 500));
    await until(() => router.bytes.used > 0);
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (!socket.destroyed) socket.write(body.slice(500));
    return await ended;
  };
  it('is answered by its arm, though it took longer than the arm may, and its time is not latency', async () => {
    const server = await serve(good);
    const router = await startRouter(server, server, { timeout_ms: 1000 });
    expect(await slowly(router, 1500)).toMatch(/^HTTP\/1\.1 200 /);
    expect(router.rows).toMatchObject([{ status: 200, served_version: 'spam:2', error_code: '' }]);
    expect(router.rows[0]?.['latency_us']).toBeLessThan(1_000_000);
  });
  it('gets 408 beyond its own limit: no row, no error of an arm, and nothing of it is kept', async () => {
    const server = await serve(good);
    const router = await startRouter(server, server, {}, undefined, { uploadTimeoutMs: 100 });
    expect(await slowly(router, 300)).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"upload_timeout"/);
    expect([router.rows, router.bytes.used]).toEqual([[], 0]);
  });
});
