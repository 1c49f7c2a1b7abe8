import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { ProblemError } from '@slipway/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../log.ts';
import { createListener, headerOf, headerText, refuseBytes } from './listener.controller.ts';
import { readBody } from './read-body.controller.ts';

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

/** Everything that comes back for the bytes, until the other side closes. */
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

describe('the listener of a service', () => {
  const hot = (url: string | undefined): boolean => {
    if (url === '/throws') throw new Error('a mistake of ours');
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

  it('answers 500 for a listener that throws, and goes on', async () => {
    const port = await service();
    const answer = await exchange(port, 'GET /throws HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 500 [\s\S]*"code":"internal"/);
    expect(await exchange(port, 'GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(/\/next/);
    expect(answer).not.toContain('a mistake of ours');
  });
  it.each([
    ['bytes that are no HTTP', '\x16\x03\x01\x02\x00\r\n\r\n', 400],
    ['a header with a control character', 'GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a chunk that is none', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 200],
    ['a tunnel', 'CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n', 405],
    ['an expectation that nobody has', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nConnection: close\r\n\r\n', 417],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ])('answers %s', async (_, bytes, status) => {
    expect(await exchange(await service(), bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
  it('answers who has closed its side behind the request, however long the answer takes, and then closes', async () => {
    const slow = createListener((_, res) => setTimeout(() => res.end('late'), 100), undefined, log);
    const port = await start(slow);
    expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 [\s\S]*late/);
    expect(await exchange(port, '')).toBe('');
    expect(await new Promise((resolve) => slow.getConnections((_, n) => resolve(n)))).toBe(0);
  });
  it('takes a target in absolute form as its path, and an upgrade as a plain request', async () => {
    const port = await service();
    expect(await exchange(port, 'GET http://other/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /\/a\?b/,
    );
    const upgrade = 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await exchange(port, upgrade)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\/ws/);
  });
});

describe('a body that is too large', () => {
  it.each([
    ['by its length', 'Content-Length: 500000\r\n\r\n'],
    ['chunk by chunk', `Transfer-Encoding: chunked\r\n\r\n7a120\r\n`],
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
  it('is UTF-8, and Latin-1 where it is no UTF-8: one name has one spelling', () => {
    expect(read(Buffer.from('josé', 'utf8'))).toBe('josé');
    expect(read(Buffer.from('josé', 'latin1'))).toBe('josé');
    expect(read(Buffer.from('日本'))).toBe('日本');
  });
  it('goes out as it came in', () => {
    expect(read(Buffer.from(headerText('josé 日本 😀'), 'latin1'))).toBe('josé 日本 😀');
    expect(headerText('a\r\nb: c')).toBe('a??b: c');
  });
});
