import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Route } from '@slipway/contracts';
import { legOf, startLegs } from './legs.fixture.ts';

const open: (() => unknown)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** The routes, of which one has a version of somebody else, or of our workers. */
function routeTo(addresses: string[], workers = false): Map<string, Route> {
  const target = { model: 'spam', version: 2, addresses, protocol: 'oip', workers, price: 0 };
  return new Map([['spam', { branches: [{ target, rollout: null }] } as unknown as Route]]);
}

/** The result of a leg when an outside server answers like this. */
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
  const { legs, close } = startLegs(routeTo([address]));
  open.push(close);
  return legs.ask(legOf({ requestId }), 20_000);
}

describe('an outside server in the shadow', () => {
  it('fails when its answer never ends, and is not read to the end', async () => {
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

  it('fails when it redirects, and the redirect is not followed', async () => {
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

  it('gets the id of the request, whatever characters it has: an id is not a fault of the candidate', async () => {
    let met = '';
    const found = await asked((res, id) => {
      met = Buffer.from(id, 'latin1').toString('utf8');
      res.end('{"outputs":[]}');
    }, 'josé 日本');
    expect([found.ok, met]).toEqual([true, 'josé 日本']);
  });

  it.each(['Infinity', '-1', '1e300', 'x', '0.5'])('is not believed when it reports %s µs', async (us) => {
    const found = await asked((res) => res.writeHead(200, { 'x-slipway-compute-us': us }).end('{"outputs":[]}'));
    const { latencyUs, computeUs } = found as { latencyUs: number; computeUs: number };
    expect([found.ok, Number.isInteger(computeUs), computeUs > 0 && computeUs <= latencyUs]).toEqual([
      true,
      true,
      true,
    ]);
  });
});

describe('the targets of a leg', () => {
  const serve = async (answer: (res: ServerResponse, n: number) => void) => {
    let n = 0;
    const server = createServer((req, res) => req.resume().on('end', () => answer(res, n++)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => n };
  };
  const good = (res: ServerResponse) => res.end('{"outputs":[]}');
  const legsTo = (...addresses: string[]) => {
    const started = startLegs(routeTo(addresses));
    open.push(started.close);
    return started.legs;
  };

  it('are ejected as for live callers, and then asked only when no other one answers', async () => {
    const fails = await serve((res) => res.writeHead(500).end());
    const works = await serve(good);
    const legs = legsTo(fails.address, works.address);
    for (let i = 0; i < 20; i++) expect((await legs.ask(legOf({}), 20_000)).ok).toBe(true);
    expect([fails.asked(), works.asked()]).toEqual([3, 20]);
    const alone = legsTo(fails.address);
    for (let i = 0; i < 5; i++)
      expect(await alone.ask(legOf({}), 20_000)).toMatchObject({ ok: false, reason: 'error' });
    expect(fails.asked()).toBe(8);
  });

  it('are asked once more after a broken connection: only the second one counts as a failure', async () => {
    const once = await serve((res, n) => (n === 0 ? res.destroy() : good(res)));
    expect((await legsTo(once.address).ask(legOf({}), 20_000)).ok).toBe(true);
    const always = await serve((res) => res.destroy());
    expect(await legsTo(always.address).ask(legOf({}), 20_000)).toMatchObject({ ok: false, reason: 'error' });
    expect(always.asked()).toBe(2);
  });

  it.each<[string, number]>([
    ['error', 404],
    ['error', 405],
    ['error', 410],
    ['busy', 429],
    ['busy', 503],
    ['error', 422],
    ['error', 500],
  ])('that give no answer are %s at status %d', async (reason, status) => {
    const { address } = await serve((res) => res.writeHead(status).end('{}'));
    expect(await legsTo(address).ask(legOf({}), 20_000)).toMatchObject({ ok: false, reason });
  });

  it('that are inference-workers are loading what they do not have: that is no fault of the version', async () => {
    const { address } = await serve((res) => res.writeHead(404).end('{}'));
    const started = startLegs(routeTo([address], true));
    open.push(started.close);
    expect(await started.legs.ask(legOf({}), 20_000)).toMatchObject({ ok: false, reason: 'no_target' });
  });

  it('that hang have timed out, and that nobody listens at are no target', async () => {
    const hangs = await serve(() => undefined);
    expect(await legsTo(hangs.address).ask(legOf({}), 100)).toMatchObject({ ok: false, reason: 'timeout' });
    expect(await legsTo('http://127.0.0.1:1').ask(legOf({}), 20_000)).toMatchObject({ ok: false, reason: 'no_target' });
    expect(await legsTo().ask(legOf({}), 20_000)).toMatchObject({ ok: false, reason: 'no_target' });
  });
});
