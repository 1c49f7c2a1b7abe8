import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { answerFor } from './errors.ts';
import { Unsent } from './unsent.ts';

// More than the sockets in between buffer by themselves.
const large = Buffer.alloc(40_000_000);

it('limits unread results, always sends small results, disconnects a client that reads nothing', async () => {
  const unsent = new Unsent(50_000_000, 300);
  const ends: Promise<unknown>[] = [];
  const server = createServer((req, res) => {
    const result = req.url === '/small' ? Buffer.from('1') : large;
    ends.push(once(res, 'close'));
    try {
      unsent.hold(result.length, res);
      res.end(result);
    } catch (error) {
      res.writeHead(answerFor(error).status).end();
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const ask = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', path, agent: false }, resolve).on(
        'error',
        reject,
      );
    });
  try {
    const stuck = await ask('/large');
    stuck.once('error', () => undefined);
    expect((await ask('/large')).resume().statusCode).toBe(503);
    expect((await ask('/small')).resume().statusCode).toBe(200);
    await ends[0];
    const read = await ask('/large');
    expect(read.statusCode).toBe(200);
    let bytes = 0;
    for await (const chunk of read) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(large.length);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
