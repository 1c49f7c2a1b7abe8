import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { isRefusal, RefusedError, UnansweredError } from './errors.ts';
import { registryClient, routerClient } from './services.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const s of servers.splice(0)) {
    s.closeAllConnections();
    s.close();
  }
});

type Seen = { method: string; url: string; key: string | undefined; once: string | undefined; body: string };
type Answerer = (n: number, res: ServerResponse) => void;

/** A server whose response to the n-th request, from 1, is given by the test. */
async function serve(answer: Answerer): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (req: IncomingMessage, res) => {
    let body = '';
    for await (const piece of req) body += String(piece);
    const once = req.headers['idempotency-key'] as string | undefined;
    seen.push({ method: req.method ?? '', url: req.url ?? '', key: req.headers.authorization, once, body });
    answer(seen.length, res);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}
const json =
  (value: unknown, status = 200): Answerer =>
  (_, res) =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const problem = (status: number, code: string) =>
  json({ type: '', title: '', status, code, detail: 'why' }, status) satisfies Answerer;
const id = '00000000-0000-4000-8000-000000000000';

describe('a call', () => {
  it('calls the path of its operation with query, body and key', async () => {
    const { url, seen } = await serve(json({ items: [], next_cursor: null }));
    const registry = registryClient({ url: `${url}/`, key: 'k' });
    expect(await registry.rollouts.list({ endpoint: 'spam', limit: 2 })).toEqual({ items: [], next_cursor: null });
    await registry.rollouts.list();
    await registry.rollouts.command({ id }, { command: 'start' });
    await registry.endpoints.retire({ name: 'spam' });
    expect(seen.map(({ method, url, key, body }) => [method, url, key, body])).toEqual([
      ['GET', '/v1/rollouts?endpoint=spam&limit=2', 'Bearer k', ''],
      ['GET', '/v1/rollouts', 'Bearer k', ''],
      ['POST', `/v1/rollouts/${id}/commands`, 'Bearer k', '{"command":"start"}'],
      ['POST', '/v1/endpoints/spam/retire', 'Bearer k', ''],
    ]);
  });

  it('sends and receives bytes unchanged', async () => {
    const { url, seen } = await serve((_, res) => void res.end(Buffer.from([0, 255])));
    const registry = registryClient({ url });
    const sha256 = 'a'.repeat(64);
    await registry.artifacts.put({ sha256 }, Buffer.from('abc')).catch(() => undefined);
    expect(await registry.artifacts.get({ sha256 })).toEqual(new Uint8Array([0, 255]));
    expect(seen[0]?.body).toBe('abc');
  });

  it('throws the problem that the service answered with', async () => {
    const { url } = await serve(problem(409, 'conflict'));
    const error = await registryClient({ url })
      .rollouts.get({ id })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RefusedError);
    expect([isRefusal(error, 'conflict'), isRefusal(error, 409), isRefusal(error, 'not_found')]).toEqual([
      true,
      true,
      false,
    ]);
    expect((error as RefusedError).message).toBe('409 conflict: why');
  });

  it('throws a clear error when the server does not answer, or is not a Slipway service', async () => {
    const { url } = await serve((_, res) => void res.writeHead(404).end('<html>'));
    await expect(registryClient({ url, attempts: 1 }).models.list()).rejects.toThrow(UnansweredError);
    await expect(registryClient({ url: 'http://127.0.0.1:1', attempts: 1 }).models.list()).rejects.toThrow('no answer');
  });

  it('does not compile with a body, query or command that the operation does not declare', async () => {
    const { url } = await serve(json({}));
    const { rollouts, models } = registryClient({ url });
    // @ts-expect-error: no such command
    await rollouts.command({ id }, { command: 'dance' });
    // @ts-expect-error: no such parameter
    await rollouts.list({ state: 'running' });
    // @ts-expect-error: the name is missing
    await models.create({});
    // @ts-expect-error: no id
    await rollouts.get().catch(() => undefined);
  });
});

describe('a call with a transient failure', () => {
  it('is repeated with the same idempotency key, at the next of several servers', async () => {
    const down = await serve(problem(503, 'unavailable'));
    const up = await serve(json({ id }));
    const registry = registryClient({ url: [down.url, up.url] });
    await registry.rollouts.command({ id }, { command: 'start' });
    expect(up.seen[0]?.once).toMatch(/^[0-9a-f-]{36}$/);
    expect(up.seen[0]?.once).toBe(down.seen[0]?.once);
    await registry.rollouts.command({ id }, { command: 'start' }, { idempotencyKey: 'mine' });
    expect(up.seen[1]?.once).toBe('mine');
  });

  it('is repeated when the connection breaks, also in the middle of a response', async () => {
    const { url, seen } = await serve((n, res) => {
      if (n === 1) res.destroy();
      else if (n === 2) {
        res.writeHead(200, { 'content-length': 100 }).write('{"items":');
        setTimeout(() => res.destroy(), 10);
      } else json({ items: [] })(n, res);
    });
    expect(await registryClient({ url }).models.list()).toEqual({ items: [] });
    expect(seen).toHaveLength(3);
  });

  it('is not repeated when that could execute it twice, unless the caller allows it', async () => {
    const { url, seen } = await serve(problem(503, 'unavailable'));
    const { outcomes, assignments } = routerClient({ url });
    const outcome = { endpoint: 'spam', name: 'label', value: 1, request_id: 'r' };
    await expect(outcomes.post(outcome)).rejects.toThrow('unavailable');
    expect(seen).toHaveLength(1);
    await expect(outcomes.post({ ...outcome, event_id: 'e' }, { attempts: 2 })).rejects.toThrow('unavailable');
    expect(seen).toHaveLength(3);
    await expect(assignments.get({ endpoint: 'spam', unit: 'u' })).rejects.toThrow('unavailable');
    expect(seen).toHaveLength(6);
  });

  it('is not repeated when the refusal is permanent', async () => {
    const { url, seen } = await serve(problem(422, 'unmet_reference'));
    await expect(registryClient({ url }).models.list()).rejects.toThrow(RefusedError);
    expect(seen).toHaveLength(1);
  });
});

describe('a stream of events', () => {
  it('yields each event with its data until the reader stops', async () => {
    let closed = false;
    const { url } = await serve((_, res) => {
      res.on('close', () => {
        closed = true;
      });
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(': alive\n\nevent: rollout\ndata: {"status":"created"}\n\nevent: evidence\ndata: {"step":0}\n\n');
    });
    const found: unknown[] = [];
    for await (const { event, data } of registryClient({ url }).rollouts.events({ id })) {
      found.push(event === 'rollout' ? data.status : data.step);
      if (event === 'evidence') break;
    }
    expect(found).toEqual(['created', 0]);
    await expect.poll(() => closed).toBe(true);
  });
});
