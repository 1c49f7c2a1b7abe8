import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { ProblemError } from '@slipway/core';
import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../process/log.ts';
import { boundBodies, refuseEarly } from './bodies.guard.ts';
import { ByteBudget } from './byte-budget.ts';
import { createListener, drain, headerOf, headerText, type Listener, refuseBytes } from './listener.proxy.ts';
import { readBody } from './read-body.proxy.ts';

const log = createLogger('test', 'test', 'silent');
const servers: Server[] = [];
afterEach(() => {
  for (const s of servers.splice(0)) {
    s.closeAllConnections();
    s.close();
  }
});

async function start(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** All bytes received in response, until the other side closes. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (d) => (answer += d));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('the HTTP server of a service', () => {
  const hot = (url: string | undefined): boolean => {
    if (url === '/throws') throw new Error('a bug in a handler');
    return false;
  };
  const service = () => {
    const server = createListener(
      (req, res) => res.end(req.url),
      (req) => hot(req.url),
      log,
    );
    server.on('clientError', refuseBytes);
    return start(server);
  };

  it('answers 500 when a listener throws, and keeps running', async () => {
    const port = await service();
    const answer = await exchange(port, 'GET /throws HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 500 [\s\S]*"code":"internal"/);
    expect(await exchange(port, 'GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/\/next/);
    expect(answer).not.toContain('a bug in a handler');
  });
  it.each([
    ['bytes that are not HTTP', '\x16\x03\x01\x02\x00\r\n\r\n', 400],
    ['a header with a control character', 'GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['an invalid chunk', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 200],
    ['a tunnel', 'CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n', 405],
    ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nConnection: close\r\n\r\n', 417],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ])('answers %s', async (_, bytes, status) => {
    expect(await exchange(await service(), bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
  it('answers a caller that has closed its sending side, however long the answer takes, and then closes', async () => {
    const slow = createListener((_, res) => setTimeout(() => res.end('late'), 100), undefined, log);
    const port = await start(slow);
    expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 [\s\S]*late/);
    expect(await exchange(port, '')).toBe('');
    expect(await new Promise((resolve) => slow.getConnections((_, n) => resolve(n)))).toBe(0);
  });
  it('treats a target in absolute form as its path, and an upgrade as a plain request', async () => {
    const port = await service();
    expect(await exchange(port, 'GET http://other/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /\/a\?b/,
    );
    const upgrade = 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await exchange(port, upgrade)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\/ws/);
  });
});

describe('a server that is stopping', () => {
  it('answers what is under way, accepts no new connections, and closes streams and idle connections', async () => {
    const answers: ServerResponse[] = [];
    const server = createListener(
      (req, res) => {
        if (req.url === '/idle') res.end('idle');
        else if (req.url === '/stream') res.setHeader('content-type', 'text/event-stream').write(': alive');
        else answers.push(res);
      },
      undefined,
      log,
    );
    const port = await start(server);
    const kept = ['/idle', '/stream', '/slow'].map((path) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
      let text = '';
      socket.on('data', (d) => (text += String(d)));
      return new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
    });
    while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const drained = drain(server, 20_000);
    const [idle, stream] = await Promise.all(kept.slice(0, 2));
    expect([idle, stream]).toEqual([expect.stringContaining('idle'), expect.stringContaining(': alive')]);
    await expect(exchange(port, 'GET /new HTTP/1.1\r\nHost: x\r\n\r\n')).rejects.toThrow('ECONNREFUSED');
    answers[0]?.end('answered');
    expect(await kept[2]).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*answered/i);
    await drained;
  });

  it('destroys what takes longer than allowed', async () => {
    const server = createListener(() => undefined, undefined, log);
    const port = await start(server);
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    await new Promise((resolve) => server.once('request', resolve));
    await drain(server, 50);
    socket.destroy();
  });
});

describe('buffered bodies', () => {
  const service = async (bytes: ByteBudget, timeoutMs: number) => {
    const fastify = Fastify({
      bodyLimit: 95_000,
      serverFactory: (handler) => createListener(handler as Listener, undefined, log),
    });
    refuseEarly(fastify as never);
    boundBodies(fastify as never, bytes, timeoutMs);
    fastify.setErrorHandler(
      (error: ProblemError & { statusCode?: number }, _, reply) =>
        void reply.status(error.status ?? error.statusCode).send(error.code),
    );
    fastify.post('/', async (request) => request.body);
    await fastify.ready();
    return start(fastify.server);
  };
  const post = (port: number, body: string) =>
    fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const begin = (port: number, sent: number) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n`);
    socket.write(' '.repeat(sent));
    return socket;
  };
  const reached = async (bytes: ByteBudget, used: number) => {
    while (bytes.used !== used) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('share one memory limit: 503 beyond it, and 200 again once there is room', async () => {
    const bytes = new ByteBudget(100_000);
    const port = await service(bytes, 20_000);
    const socket = begin(port, 80_000);
    await reached(bytes, 80_000);
    const refused = await post(port, JSON.stringify('x'.repeat(50_000)));
    expect([refused.status, await refused.text()]).toEqual([503, 'overloaded']);
    socket.destroy();
    await reached(bytes, 0);
    expect((await post(port, JSON.stringify('x'.repeat(50_000)))).status).toBe(200);
    await reached(bytes, 0);
  });

  it.each([
    ['is too large', 'application/json', 500_000, 413],
    ['has another media type', 'image/png', 90_000, 415],
    ['exceeds the memory limit', 'application/json', 90_000, 503],
  ])('one that %s is refused, and the next request on its connection is answered', async (_, type, length, status) => {
    const bytes = new ByteBudget(50_000);
    bytes.used = 10;
    const head = (n: number, more: string) =>
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${n}\r\n${more}\r\n`;
    const next = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const socket = connect(await service(bytes, 20_000), '127.0.0.1');
    let answer = '';
    socket.on('data', (d) => (answer += String(d)));
    // The refused body is still arriving.
    socket.write(`${head(length, '')}${' '.repeat(length - 1000)}`);
    while (!answer.includes('\r\n\r\n')) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.write(`${' '.repeat(1000)}${next}`);
    await new Promise((resolve) => socket.on('close', resolve));
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map((m) => Number(m[1]))).toEqual([status, 200]);
    expect(bytes.used).toBe(10);
  });

  it('must arrive in time: otherwise 408, and nothing is kept', async () => {
    const bytes = new ByteBudget(100_000);
    const port = await service(bytes, 50);
    const socket = begin(port, 10_000);
    const text = await new Promise<string>((resolve) => socket.once('data', (d) => resolve(String(d))));
    expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*upload_timeout/);
    await reached(bytes, 0);
    socket.destroy();
  });
});

describe('a body that is too large', () => {
  it.each([
    ['by its length', 'Content-Length: 500000\r\n\r\n'],
    ['by its chunks', `Transfer-Encoding: chunked\r\n\r\n7a120\r\n`],
  ])('is refused %s, and the refusal reaches its caller', async (_, head) => {
    const port = await start(
      createServer((req, res) => {
        readBody(req, 1000, 10_000).catch((error: ProblemError) =>
          res.writeHead(error.status, { connection: 'close' }).end(),
        );
      }),
    );
    expect(await exchange(port, `POST / HTTP/1.1\r\nHost: x\r\n${head}${'x'.repeat(500_000)}\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
  });
});

describe('text in headers', () => {
  const read = (bytes: Buffer) => headerOf({ headers: { u: bytes.toString('latin1') } } as never, 'u');
  it('is read as UTF-8, or as Latin-1 when it is not UTF-8: one name has one spelling', () => {
    expect(read(Buffer.from('josé', 'utf8'))).toBe('josé');
    expect(read(Buffer.from('josé', 'latin1'))).toBe('josé');
    expect(read(Buffer.from('日本'))).toBe('日本');
  });
  it('is sent as it was received', () => {
    expect(read(Buffer.from(headerText('josé 日本 😀'), 'latin1'))).toBe('josé 日本 😀');
    expect(headerText('a\r\nb: c')).toBe('a??b: c');
  });
});
