import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Route } from '@slipway/contracts';
import { LegClient } from './leg.client.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** What the lane makes of a server of somebody else that answers so. */
async function asked(answer: (res: ServerResponse, requestId: string) => void, requestId = 'r') {
  const server = createServer((req, res) =>
    req.resume().on('end', () => answer(res, String(req.headers['x-request-id']))),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target = { model: 'spam', version: 2, addresses: [address], workers: false };
  const routes = new Map([['spam', { candidate: target, control: target } as unknown as Route]]);
  const legs = new LegClient({ find: () => undefined }, routes);
  return legs.ask('spam', 'spam:2', Buffer.from('{}'), { requestId, traceparent: '' }, 20_000);
}

describe('a server of somebody else in the shadow', () => {
  it('that answers without end has failed, and is not read to the end', async () => {
    let sent = 0;
    const found = await asked((res) => {
      const chunk = Buffer.alloc(1_000_000, ' ');
      const more = (): void => {
        if (sent >= 300_000_000) return void res.end();
        sent += chunk.length;
        res.write(chunk, (error) => error ?? more());
      };
      more();
    });
    expect(found).toMatchObject({ ok: false, reason: 'error' });
    expect(sent).toBeLessThan(150_000_000);
  });

  it('that sends the lane elsewhere has failed, and nobody is asked there', async () => {
    const met: (string | undefined)[] = [];
    const inside = createServer((req, res) => {
      met.push(req.url);
      res.end('{"secret":1}');
    });
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
    open.push(() => inside.close());
    const location = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/latest/meta-data`;
    const found = await asked((res) => res.writeHead(302, { location }).end());
    expect([found, met]).toMatchObject([{ ok: false, reason: 'error' }, []]);
  });

  it('is asked with the id of the request, whatever its letters are: a name is no fault of the candidate', async () => {
    let met = '';
    const found = await asked((res, id) => {
      met = Buffer.from(id, 'latin1').toString('utf8');
      res.end('{"outputs":[]}');
    }, 'josé 日本');
    expect([found.ok, met]).toEqual([true, 'josé 日本']);
  });

  it.each(['Infinity', '-1', '1e300', 'x', '0.5'])('that says it took %s µs is not believed', async (us) => {
    const found = await asked((res) => res.writeHead(200, { 'x-slipway-compute-us': us }).end('{"outputs":[]}'));
    const { latencyUs, computeUs } = found as { latencyUs: number; computeUs: number };
    expect([found.ok, Number.isInteger(computeUs), computeUs > 0 && computeUs <= latencyUs]).toEqual([
      true,
      true,
      true,
    ]);
  });
});
