import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { assignArm, type Route } from '@slipway/contracts';
import { ByteBudget, CallerAccess, CallerKeys, createListener, createLogger } from '@slipway/platform';
import { afterEach, describe, expect, it } from 'vitest';
import { RouteTable } from '../routing/route-table.ts';
import { TargetClient, type TargetLimits } from '../target/target.client.ts';
import { Targets } from '../target/targets.ts';
import { InferProxy, type InferProxyParts } from './infer.proxy.ts';

type Row = Record<string, unknown> & { reason: string; error_code: string; sequence: number };
type Model = (req: IncomingMessage, res: ServerResponse, attempt: number) => void;

const log = createLogger('test', 'test', 'silent');
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A model's server; it has read the whole request when `model` is called. */
function serve(model: Model): Promise<string> {
  let attempts = 0;
  return listen(createServer((req, res) => req.resume().on('end', () => model(req, res, attempts++))));
}
const good: Model = (_, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{"outputs":[]}');
const hangs: Model = () => {};

const rollout = { id: 'r', step: 0, weight: 0.5, salt: 'r' };
const units = (arm: string, n: number) =>
  Array.from({ length: 10 * n }, (_, i) => `user-${i}`)
    .filter((u) => assignArm('r', u, 0.5) === arm)
    .slice(0, n);
const CANDIDATE = units('candidate', 1)[0] as string;
const CONTROL = units('control', 1)[0] as string;

/** The router's hot path between a real server in front of it and the models' real servers behind it. */
async function startRouter(
  control: string,
  candidate: string,
  extra: Partial<Route> = {},
  limits: TargetLimits = { connections: 4, waiting: 8 },
  parts: Partial<InferProxyParts> = {},
) {
  const rows: Row[] = [];
  const state = { contact: true, disk: true, now: 0 };
  const route = {
    endpoint: 'spam',
    revision: { epoch: 1, n: 1 },
    unit: 'user',
    control: { model: 'spam', version: 1, addresses: [control] },
    candidate: { model: 'spam', version: 2, addresses: [candidate] },
    rollout,
    shadow: null,
    lease_ms: 1000,
    timeout_ms: 3000,
    prices: {},
    load: [],
    operator_keys: [createHash('sha256').update('operator').digest('hex')],
    ...extra,
  } as unknown as Route;
  const routes = new RouteTable(() => 0);
  routes.lastContact = () => (state.contact ? 0 : -5000);
  routes.apply('spam', route);
  const client = new TargetClient(limits);
  open.push(() => client.close());
  const targets = new Targets(() => state.now);
  const bytes = new ByteBudget(10_000_000);
  const proxy = new InferProxy({
    routes,
    targets,
    client,
    access: new CallerAccess('open', routes.keys),
    log,
    journal: {
      append: (pieces) => {
        expect(isUtf8(Buffer.concat(pieces))).toBe(true);
        if (state.disk)
          for (const line of Buffer.concat(pieces).toString().trim().split('\n')) rows.push(JSON.parse(line));
        return state.disk;
      },
    },
    shadow: { sample: () => undefined, journal: () => {} },
    router: 'router-1',
    boot: 'boot',
    maxBodyBytes: 100_000,
    uploadTimeoutMs: 30_000,
    maxLoggedBytes: 10_000,
    journalFull: 'refuse',
    workerKey: 'worker-key',
    bytes,
    ...parts,
  });
  const url = await listen(createListener((_, res) => res.writeHead(404).end(), proxy.handle, log));
  const ask = async (unit: string, headers: Record<string, string> = {}, body: string | Uint8Array = '{}') => {
    const response = await fetch(`${url}/v2/models/spam/infer`, {
      method: 'POST',
      headers: { 'x-slipway-unit': unit, ...headers },
      body: body as never,
    });
    const text = await response.text();
    return { status: response.status, arm: response.headers.get('x-slipway-version'), headers: response.headers, text };
  };
  const change = (to: Partial<Route>) => {
    proxy.flush();
    routes.apply('spam', { ...route, ...to, revision: { epoch: 1, n: (routes.get('spam')?.revision.n ?? 0) + 1 } });
  };
  return { ask, rows, state, change, targets, routes, url, bytes };
}
const p99 = (ms: number[]) => ms.sort((a, b) => a - b)[Math.floor(0.99 * ms.length)] as number;

describe('the key for workers', () => {
  const keyed: Model = (req, res) =>
    req.headers.authorization === 'Bearer worker-key' ? good(req, res, 0) : res.writeHead(401).end('{}');

  it('is shown to the workers that the route tells to load the version, and to no server of others', async () => {
    const shown: Record<string, string | undefined> = {};
    const tells =
      (name: string): Model =>
      (req, res) => {
        shown[name] = req.headers.authorization;
        good(req, res, 0);
      };
    const ours = [{ model: 'spam', version: 1 }] as Route['load'];
    const { ask } = await startRouter(await serve(tells('worker')), await serve(tells('foreign')), { load: ours });
    await ask(CONTROL, { authorization: 'Bearer of the caller' });
    await ask(CANDIDATE, { authorization: 'Bearer of the caller' });
    expect(shown).toEqual({ worker: 'Bearer worker-key', foreign: undefined });
  });

  it("is not the caller's business: who does not let the router in has failed, and another one answers", async () => {
    const load = [{ model: 'spam', version: 1 }] as Route['load'];
    const { ask, rows } = await startRouter(await serve(keyed), await serve(keyed), { load });
    expect((await ask(CONTROL)).status).toBe(200);
    const answer = await ask(CANDIDATE);
    expect([answer.status, answer.arm]).toEqual([200, 'spam:1']);
    expect(rows.at(-1)).toMatchObject({ assigned_arm: 'candidate', fallback_from: 'spam:2', error_code: 'no_target' });
    const { ask: alone } = await startRouter(await serve(keyed), await serve(keyed));
    const refused = await alone(CONTROL);
    expect(refused.status).toBe(503);
    expect(refused.text).toContain('does not let this router in: status 401');
  });
});

describe('a hung candidate', () => {
  /** 300 requests of control, one every 4 ms whatever becomes of the others, while `beside` of the candidate hang. */
  async function controlsTail(candidate: Model, beside: number): Promise<number> {
    // one server for both versions: what is shared there, too, must not be shared by the router
    const server = await serve((req, res, n) => (req.url?.includes('versions/2') ? candidate : good)(req, res, n));
    const { ask } = await startRouter(server, server, {}, { connections: 16, waiting: 300 });
    const hung = units('candidate', beside).map((u) => ask(u));
    const timed = async (unit: string) => {
      const began = performance.now();
      expect((await ask(unit)).status).toBe(200);
      return performance.now() - began;
    };
    const times: Promise<number>[] = [];
    for (const unit of units('control', 300)) {
      times.push(timed(unit));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await Promise.all(hung);
    return p99(await Promise.all(times));
  }
  it('costs control nothing: its p99 beside 60 hung requests is what it is beside healthy ones', async () => {
    await controlsTail(good, 60); // warms the code up
    const healthy = await controlsTail(good, 60);
    const hung = await controlsTail(hangs, 60);
    process.stdout.write(`control's p99: ${healthy.toFixed(1)} ms, beside a hung candidate ${hung.toFixed(1)} ms\n`);
    // Who waits behind the candidate waits for 1,800 ms.
    expect(hung).toBeLessThan(healthy + 1500);
  });
  it('is answered by control within the deadline, and what is too much for its queue at once', async () => {
    const router = await startRouter(await serve(good), await serve(hangs), { timeout_ms: 2000 });
    const answers = await Promise.all(
      units('candidate', 20).map(async (u) => {
        const began = performance.now();
        return { status: (await router.ask(u)).status, ms: performance.now() - began };
      }),
    );
    expect(answers.map((a) => a.status)).toEqual(answers.map(() => 200));
    expect(Math.max(...answers.map((a) => a.ms))).toBeLessThan(2000);
    const counted = (code: string) => router.rows.filter((r) => r.error_code === code).length;
    expect({ timeout: counted('timeout'), overloaded: counted('overloaded') }).toEqual({ timeout: 12, overloaded: 8 });
  });
  it('is compared fairly: an answer of control that a candidate would not have been waited for is marked', async () => {
    const after =
      (ms: number): Model =>
      (req, res, n) =>
        void setTimeout(() => good(req, res, n), ms);
    const slow = await serve(after(1600));
    const router = await startRouter(slow, slow, { timeout_ms: 2000 });
    // The candidate is given up after 1,200 ms, and there is no time for the control then.
    expect([(await router.ask(CANDIDATE)).status, (await router.ask(CONTROL)).status]).toEqual([504, 200]);
    expect(router.rows.map((r) => [r.status, r.error_code])).toEqual([
      [expect.any(Number), 'timeout'],
      [200, 'late'],
    ]);
    // Both failed, and count once both arms would have told.
    expect(router.rows.map((r) => r.settled_us)).toEqual([2_000_000, 2_000_000]);
    const quick = await startRouter(await serve(after(50)), await serve(good), { timeout_ms: 2000 });
    await quick.ask(CONTROL);
    expect(quick.rows.map((r) => r.error_code)).toEqual(['']);
  });
  it('cannot outlive its time-out by a body that drips', async () => {
    const drips: Model = (_, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => res.write(' '), 50);
      res.on('close', () => clearInterval(timer));
    };
    const router = await startRouter(await serve(good), await serve(drips), { timeout_ms: 2000 });
    const began = performance.now();
    expect(await router.ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:1' });
    expect(performance.now() - began).toBeLessThan(2000);
    expect(router.rows).toMatchObject([{ error_code: 'timeout', fallback_from: 'spam:2' }]);
  });
});

describe('an ejected candidate', () => {
  const breaks: Model = (_, res) => res.writeHead(500).end();
  it('makes exposures without an error; one request a second tries it, as an ordinary one', async () => {
    const router = await startRouter(await serve(good), await serve(breaks));
    const reasons = async () => {
      router.rows.length = 0;
      for (let i = 0; i < 6; i++) expect((await router.ask(CANDIDATE)).status).toBe(200);
      return router.rows.map((r) => `${r.reason} ${r.error_code}`.trim());
    };
    const failed = 'randomised target_failed';
    expect(await reasons()).toEqual([failed, failed, failed, 'ejected', 'ejected', 'ejected']);
    // What the control took to answer for it is no part of when it was known to fail.
    expect((router.rows[0]?.settled_us ?? 0) < (router.rows[0]?.latency_us ?? 0)).toBe(true);
    router.state.now += 1000;
    expect(await reasons()).toEqual([failed, 'ejected', 'ejected', 'ejected', 'ejected', 'ejected']);
  });
  it("takes the control's requests of that time out of the comparison too, until the next probe is due", async () => {
    const router = await startRouter(await serve(good), await serve(breaks));
    const reasonsOf = async (...askers: string[]) => {
      router.rows.length = 0;
      for (const unit of askers) expect((await router.ask(unit)).status).toBe(200);
      return router.rows.map((r) => r.reason);
    };
    await reasonsOf(CANDIDATE, CANDIDATE);
    expect(await reasonsOf(CONTROL, CANDIDATE, CONTROL, CANDIDATE)).toEqual([
      'randomised',
      'randomised',
      'ejected',
      'ejected',
    ]);
    router.state.now += 1000;
    expect(await reasonsOf(CONTROL, CONTROL, CANDIDATE, CONTROL, CANDIDATE)).toEqual([
      'randomised',
      'randomised',
      'randomised',
      'ejected',
      'ejected',
    ]);
  });
  it('comes back with the first probe that succeeds', async () => {
    const candidate = await serve((req, res, n) => (n < 3 ? breaks : good)(req, res, n));
    const router = await startRouter(await serve(good), candidate);
    for (let i = 0; i < 4; i++) await router.ask(CANDIDATE);
    router.state.now += 1000;
    for (let i = 0; i < 3; i++) expect((await router.ask(CANDIDATE)).arm).toBe('spam:2');
    expect(router.rows.map((r) => r.reason).slice(3)).toEqual(['ejected', 'randomised', 'randomised', 'randomised']);
  });
  it('is nobody in an outage of both arms: each answers for itself', async () => {
    const router = await startRouter(await serve(breaks), await serve(breaks));
    for (let i = 0; i < 5; i++) for (const u of [CANDIDATE, CONTROL]) expect((await router.ask(u)).status).toBe(502);
    expect(router.rows.slice(6).map((r) => `${r.reason} ${r.error_code}`)).toEqual(
      Array.from({ length: 4 }, () => 'randomised target_failed'),
    );
  });
  it('is not made by one connection that breaks', async () => {
    const router = await startRouter(
      await serve(good),
      await serve((req, res, n) => (n === 0 ? req.socket.destroy() : good(req, res, n))),
    );
    for (let i = 0; i < 3; i++) expect((await router.ask(CANDIDATE)).status).toBe(200);
    expect(router.rows.map((r) => r.served_version)).toEqual(['spam:1', 'spam:2', 'spam:2']);
  });
});

describe('a withdrawn candidate', () => {
  const forced = { 'x-slipway-version': '2', authorization: 'Bearer operator' };
  it.each([
    ['a request of its arm', {}, 200, 'spam:1', 'withdrawn'],
    ['a forced request', forced, 503, '', 'withdrawn'],
  ])('gives no answer to %s that was under way', async (_, headers, status, version, code) => {
    let arrived: (release: () => void) => void;
    const asked = new Promise<() => void>((resolve) => (arrived = resolve));
    const candidate = await serve((req, res, n) => arrived(() => good(req, res, n)));
    const router = await startRouter(await serve(good), candidate);
    const answer = router.ask(CANDIDATE, headers);
    const release = await asked;
    router.change({ candidate: null, rollout: null });
    release();
    expect((await answer).status).toBe(status);
    expect(router.rows).toMatchObject([{ served_version: version, error_code: code, status }]);
  });
  it('is not asked again at its other addresses', async () => {
    let second = 0;
    const other = await serve((req, res, n) => {
      second++;
      good(req, res, n);
    });
    const first = await serve((_, res) => {
      router.change({ candidate: null, rollout: null });
      res.writeHead(500).end();
    });
    const router = await startRouter(await serve(good), first, {
      candidate: { model: 'spam', version: 2, addresses: [first, other] },
    });
    expect((await router.ask(CANDIDATE, forced)).status).toBe(503);
    expect(second).toBe(0);
  });
  it('gives no answer once nobody here knows whether it is withdrawn', async () => {
    const candidate = await serve((req, res, n) => {
      router.state.contact = false;
      good(req, res, n);
    });
    const router = await startRouter(await serve(good), candidate);
    expect((await router.ask(CANDIDATE)).arm).toBe('spam:1');
    expect((await router.ask(CANDIDATE, forced)).status).toBe(503);
    expect(router.rows.map((r) => r.reason)).toEqual(['lease_expired', 'forced']);
  });
  it('that became what the endpoint serves may answer', async () => {
    const candidate = await serve((req, res, n) => {
      router.change({ control: { model: 'spam', version: 2, addresses: [candidate] }, candidate: null, rollout: null });
      good(req, res, n);
    });
    const router = await startRouter(await serve(good), candidate);
    expect(await router.ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:2' });
  });
});

describe('a foreign model server', () => {
  it.each([
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '{"\ufffd":1}'],
    ['half an answer', Buffer.from('{"outputs":[}'), '{"outputs":[}'],
    ['a lone surrogate', Buffer.from('{"a":"\\ud800"}'), '{"a":"\\ud800"}'],
    ['a second row', Buffer.from('{}}\n{"event_id":"forged"}'), '{}}\n{"event_id":"forged"}'],
  ])(
    'that answers %s, and passes for one of our workers, makes one row that everyone can read',
    async (_, bytes, logged) => {
      const headers = {
        'content-type': 'application/json',
        'x-slipway-queue-us': 'Infinity',
        'x-slipway-compute-us': '-1.5',
        'x-slipway-batch-size': '1e300',
      };
      const server = await serve((_, res) => res.writeHead(200, headers).end(bytes));
      const router = await startRouter(server, server);
      expect((await router.ask(CONTROL)).status).toBe(200);
      expect(router.rows).toEqual([
        expect.objectContaining({ response: logged, queue_us: 0, compute_us: 0, batch_size: 0 }),
      ]);
    },
  );
});

describe('an answer that is none', () => {
  it.each<[string, Model]>([
    ['a page', (_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')],
    ['nothing', (_, res) => res.writeHead(204).end()],
    ['an archive', (_, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}'))],
    ['a list', (_, res) => res.end('[]')],
  ])('reaches nobody: of a candidate that answers with %s the control answers, and it has failed', async (_, model) => {
    const { ask, rows } = await startRouter(await serve(good), await serve(model));
    expect(await ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:1', text: '{"outputs":[]}' });
    expect(rows).toMatchObject([{ fallback_from: 'spam:2', served_version: 'spam:1', error_code: 'target_failed' }]);
    const alone = await startRouter(await serve(model), await serve(good));
    expect(await alone.ask(CONTROL)).toMatchObject({ status: 502, text: expect.stringContaining('no JSON object') });
    expect(alone.rows).toMatchObject([{ status: 502, error_code: 'target_failed' }]);
  });
});

describe('a candidate that sends its callers elsewhere', () => {
  it.each([301, 307, 304])('by a status of %i has failed: control answers, and it is ejected', async (status) => {
    const elsewhere = await serve((_, res) => res.writeHead(status, { location: 'http://127.0.0.1:1/' }).end());
    const router = await startRouter(await serve(good), elsewhere);
    for (let i = 0; i < 4; i++) expect(await router.ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:1' });
    expect(router.rows.map((r) => `${r.reason} ${r.error_code}`.trim())).toEqual([
      ...Array.from({ length: 3 }, () => 'randomised target_failed'),
      'ejected',
    ]);
  });
});

describe('sequence numbers', () => {
  it('have no gap where an answer was refused because its row could not be kept', async () => {
    const server = await serve(good);
    const router = await startRouter(server, server);
    expect((await router.ask(CONTROL)).status).toBe(200);
    router.state.disk = false;
    expect((await router.ask(CONTROL)).status).toBe(503);
    router.state.disk = true;
    expect((await router.ask(CONTROL)).status).toBe(200);
    expect(router.rows.map((r) => r.sequence)).toEqual([0, 1]);
  });
});

/** An upload that sends `first` of `declared` bytes, and `rest` when told to. */
function upload(url: string, declared: number, first: number, headers: string[] = []) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = ['POST /v2/models/spam/infer HTTP/1.1', 'Host: x', `Content-Length: ${declared}`, ...headers, '', ''];
  socket.write(lines.join('\r\n'));
  socket.write('x'.repeat(first));
  let answer = '';
  socket.setEncoding('latin1').on('data', (d) => (answer += d));
  open.push(async () => socket.destroy());
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(answer)).on('error', () => {}));
  return { socket, ended };
}
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('the bytes of bodies', () => {
  it('of who shows no key, or asks for no endpoint, are not kept: refused before they come', async () => {
    const server = await serve(good);
    const { url, bytes } = await startRouter(server, server, {}, undefined, {
      access: new CallerAccess('key', new CallerKeys()),
    });
    // Not one byte of the body is there, and none comes.
    const { ended, socket } = upload(url, 90_000, 0);
    await until(() => socket.bytesRead > 0);
    socket.end();
    expect(await ended).toMatch(/^HTTP\/1\.1 401 [\s\S]*"code":"unauthenticated"/);
    const large = await fetch(`${url}/v2/models/spam/infer`, { method: 'POST', body: 'x'.repeat(5_000_000) });
    expect([large.status, bytes.used]).toEqual([401, 0]);
    const others = await startRouter(server, server);
    const nowhere = `${others.url}/v2/models/nowhere/infer`;
    // However much there is: its sender reads why, and finds no broken connection.
    for (let i = 0; i < 20; i++)
      expect((await fetch(nowhere, { method: 'POST', body: 'x'.repeat(7_000_000) })).status).toBe(404);
  });

  it('that are under way are bounded: beyond, 503 with Retry-After, and again 200 once there is room', async () => {
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

  it('are given back however the request ends', async () => {
    const server = await serve(good);
    const { url, bytes, ask } = await startRouter(server, server);
    await Promise.all(Array.from({ length: 20 }, () => ask(CONTROL, {}, '1'.repeat(30_000))));
    expect((await ask(CONTROL, {}, 'x'.repeat(200_000))).status).toBe(413);
    const broken = upload(url, 90_000, 10_000);
    await until(() => bytes.used > 0);
    broken.socket.destroy();
    await until(() => bytes.used === 0);
  });

  it('to a hung candidate use up none that control needs', async () => {
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

  it('of an answer count until its caller has read it, or is gone', async () => {
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
  it('is a 408 beyond its own bound: no row, no error of an arm, and nothing of it is kept', async () => {
    const server = await serve(good);
    const router = await startRouter(server, server, {}, undefined, { uploadTimeoutMs: 100 });
    expect(await slowly(router, 300)).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"upload_timeout"/);
    expect([router.rows, router.bytes.used]).toEqual([[], 0]);
  });
});

describe('a target that redirects', () => {
  it('is not followed, neither by a request nor by a probe: it has failed, and control answers', async () => {
    let asked = 0;
    const elsewhere = await serve((req, res) => {
      asked++;
      good(req, res, 0);
    });
    const away = await serve((_, res) => res.writeHead(307, { location: elsewhere }).end());
    const { ask, rows } = await startRouter(await serve(good), away);
    expect(await ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:1' });
    expect(rows).toMatchObject([{ fallback_from: 'spam:2', error_code: 'target_failed' }]);
    const client = new TargetClient({ connections: 1, waiting: 1 });
    open.push(() => client.close());
    expect(await client.probe({ address: away, model: 'spam', version: '2' })).toBe(false);
    expect(asked).toBe(0);
  });
});
