import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  CANDIDATE,
  CONTROL,
  endAfterEach,
  good,
  open,
  type Model,
  serve,
  startRouter,
  targetAt,
} from './router.fixture.ts';
import { TargetClient } from '@slipway/platform';
import { protocols } from '@slipway/protocol';

const [oip] = protocols;

endAfterEach();

describe('the key for workers', () => {
  const keyed: Model = (req, res) =>
    req.headers.authorization === 'Bearer worker-key' ? good(req, res, 0) : res.writeHead(401).end('{}');

  const ofWorkers = (address: string) => ({ ...targetAt(1, address), workers: true });

  it('is sent to workers, but not to other servers', async () => {
    const shown: Record<string, string | undefined> = {};
    const tells =
      (name: string): Model =>
      (req, res) => {
        shown[name] = req.headers.authorization;
        good(req, res, 0);
      };
    const worker = await serve(tells('worker'));
    const { ask } = await startRouter(worker, await serve(tells('foreign')), { control: ofWorkers(worker) });
    await ask(CONTROL, { authorization: 'Bearer of the caller' });
    await ask(CANDIDATE, { authorization: 'Bearer of the caller' });
    expect(shown).toEqual({ worker: 'Bearer worker-key', foreign: undefined });
  });

  it("is not the caller's concern: a target that rejects the router has failed, and another one answers", async () => {
    const worker = await serve(keyed);
    const { ask, rows } = await startRouter(worker, await serve(keyed), { control: ofWorkers(worker) });
    expect((await ask(CONTROL)).status).toBe(200);
    const answer = await ask(CANDIDATE);
    expect([answer.status, answer.arm]).toEqual([200, 'spam:1']);
    expect(rows.at(-1)).toMatchObject({ assigned_arm: 'candidate', fallback_from: 'spam:2', error_code: 'no_target' });
    const { ask: alone } = await startRouter(await serve(keyed), await serve(keyed));
    const refused = await alone(CONTROL);
    expect(refused.status).toBe(503);
    expect(refused.text).toContain('refused our credentials: status 401');
  });
});

describe('an ejected candidate', () => {
  const breaks: Model = (_, res) => res.writeHead(500).end();
  it('makes exposures without an error; one request a second probes it as an ordinary request', async () => {
    const router = await startRouter(await serve(good), await serve(breaks));
    const reasons = async () => {
      router.rows.length = 0;
      for (let i = 0; i < 6; i++) expect((await router.ask(CANDIDATE)).status).toBe(200);
      return router.rows.map((r) => `${r.reason} ${r.error_code}`.trim());
    };
    const failed = 'randomised target_failed';
    expect(await reasons()).toEqual([failed, failed, failed, 'ejected', 'ejected', 'ejected']);
    // The time of control's fallback answer does not count in when the failure was known.
    expect((router.rows[0]?.settled_us ?? 0) < (router.rows[0]?.latency_us ?? 0)).toBe(true);
    router.state.now += 1000;
    expect(await reasons()).toEqual([failed, 'ejected', 'ejected', 'ejected', 'ejected', 'ejected']);
  });
  it("excludes control's requests of that time from the comparison too, until the next probe is due", async () => {
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
  it('does not exist in an outage of both arms: each answers for itself', async () => {
    const router = await startRouter(await serve(breaks), await serve(breaks));
    for (let i = 0; i < 5; i++) for (const u of [CANDIDATE, CONTROL]) expect((await router.ask(u)).status).toBe(502);
    expect(router.rows.slice(6).map((r) => `${r.reason} ${r.error_code}`)).toEqual(
      Array.from({ length: 4 }, () => 'randomised target_failed'),
    );
  });
  it('is not ejected because of one broken connection', async () => {
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
    router.change({ candidate: null });
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
      router.change({ candidate: null });
      res.writeHead(500).end();
    });
    const router = await startRouter(await serve(good), first, {
      candidate: targetAt(2, first, other),
    });
    expect((await router.ask(CANDIDATE, forced)).status).toBe(503);
    expect(second).toBe(0);
  });
  it('gives no answer when it is unknown whether it was withdrawn', async () => {
    const candidate = await serve((req, res, n) => {
      router.state.contact = false;
      good(req, res, n);
    });
    const router = await startRouter(await serve(good), candidate);
    expect((await router.ask(CANDIDATE)).arm).toBe('spam:1');
    expect((await router.ask(CANDIDATE, forced)).status).toBe(503);
    expect(router.rows.map((r) => r.reason)).toEqual(['lease_expired', 'forced']);
  });
  it('that was promoted meanwhile may answer', async () => {
    const candidate = await serve((req, res, n) => {
      router.change({ control: targetAt(2, candidate), candidate: null });
      good(req, res, n);
    });
    const router = await startRouter(await serve(good), candidate);
    expect(await router.ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:2' });
  });
});

describe('a foreign model server', () => {
  it.each([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), '{"\ufffd":1}'],
    ['half an answer', Buffer.from('{"outputs":[}'), '{"outputs":[}'],
    ['a lone surrogate', Buffer.from('{"a":"\\ud800"}'), '{"a":"\\ud800"}'],
    ['a second row', Buffer.from('{}}\n{"event_id":"forged"}'), '{}}\n{"event_id":"forged"}'],
  ])(
    'that answers %s, and is registered as a worker, makes one row that every reader accepts',
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

describe('an invalid answer', () => {
  it.each<[string, Model]>([
    ['a page', (_, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')],
    ['nothing', (_, res) => res.writeHead(204).end()],
    ['an archive', (_, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}'))],
    ['a list', (_, res) => res.end('[]')],
  ])(
    'never reaches the caller: for a candidate that answers with %s control answers, and it has failed',
    async (_, model) => {
      const { ask, rows } = await startRouter(await serve(good), await serve(model));
      expect(await ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:1', text: '{"outputs":[]}' });
      expect(rows).toMatchObject([{ fallback_from: 'spam:2', served_version: 'spam:1', error_code: 'target_failed' }]);
      const alone = await startRouter(await serve(model), await serve(good));
      expect(await alone.ask(CONTROL)).toMatchObject({
        status: 502,
        text: expect.stringContaining('a response that is not an answer of its protocol'),
      });
      expect(alone.rows).toMatchObject([{ status: 502, error_code: 'target_failed' }]);
    },
  );
});

describe('a candidate of somebody else that sends its callers elsewhere, or has no such model', () => {
  it.each([301, 307, 304, 404, 405, 410])('has failed (%i): control answers, and it is ejected', async (status) => {
    const elsewhere = await serve((_, res) => res.writeHead(status, { location: 'http://127.0.0.1:1/' }).end());
    const router = await startRouter(await serve(good), elsewhere);
    for (let i = 0; i < 4; i++) expect(await router.ask(CANDIDATE)).toMatchObject({ status: 200, arm: 'spam:1' });
    expect(router.rows.map((r) => `${r.reason} ${r.error_code}`.trim())).toEqual([
      ...Array.from({ length: 3 }, () => 'randomised target_failed'),
      'ejected',
    ]);
  });
});

describe('a control that has no such model', () => {
  const gone: Model = (_, res) => res.writeHead(404).end('{"error":"not here"}');
  it('has failed, and its caller has not: the status of a server of somebody else is not passed on', async () => {
    const { ask, rows } = await startRouter(await serve(gone), await serve(good));
    expect(await ask(CONTROL)).toMatchObject({ status: 502, text: expect.stringContaining('status 404') });
    expect(rows).toMatchObject([{ error_code: 'target_failed', status: 502 }]);
  });
  it('is a worker that is still loading it', async () => {
    const worker = await serve(gone);
    const { ask, ejections } = await startRouter(worker, '', { control: { ...targetAt(1, worker), workers: true } });
    expect(await ask(CONTROL)).toMatchObject({
      status: 503,
      text: expect.stringContaining('does not have spam:1 yet'),
    });
    expect(ejections.down()).toEqual([`spam:1@${worker}`]);
  });
});

describe('an endpoint of another protocol', () => {
  it('is not asked in this one: its caller is told which it speaks, and the target hears nothing', async () => {
    let asked = 0;
    const server = await serve((req, res) => {
      asked++;
      good(req, res, 0);
    });
    const control = { ...targetAt(1, server), protocol: 'gopher' };
    const { ask } = await startRouter('', '', { control, candidate: null });
    const answer = await ask(CONTROL);
    expect([answer.status, asked]).toEqual([400, 0]);
    expect(answer.text).toContain('speaks gopher, not oip');
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

describe('a target that redirects', () => {
  it('is not followed, neither for a request nor for a probe: it has failed, and control answers', async () => {
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
    expect(await client.probe(away, oip.probe({ model: 'spam', version: 2 }), oip.isReady)).toBe(false);
    expect(asked).toBe(0);
  });
});
