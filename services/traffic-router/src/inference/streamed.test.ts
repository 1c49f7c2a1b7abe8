import type { RouteArm } from '@slipway/contracts';
import { type Protocol, protocols } from '@slipway/protocol';
import { armsOf, type Assignment } from '@slipway/routing';
import { describe, expect, it } from 'vitest';
import type { NextHop } from './execution.proxy.ts';
import { CANDIDATE, CONTROL, endAfterEach, good, type Model, serve, startRouter, until } from './router.fixture.ts';

const [oip] = protocols;

endAfterEach();

/** A protocol whose answers may be event streams; its requests are those of the Open Inference Protocol. */
const streaming: Protocol = {
  ...oip,
  name: 'streaming',
  streams: ({ headers }) => headers['content-type'] === 'text/event-stream',
  verdict: (reply) => (reply.headers['content-type'] === 'text/event-stream' ? 'answered' : oip.verdict(reply)),
};
const streamed = [streaming];
const EVENTS = { 'content-type': 'text/event-stream' };
/** Sends one event after the other, each when `more` is called. */
function events() {
  const sent: (() => void)[] = [];
  let closed = false;
  const model: Model = (_, res) => {
    res.writeHead(200, EVENTS);
    res.on('close', () => (closed = true));
    let n = 0;
    sent.push(() => res.write(`data: ${n++}\n\n`));
    sent.push(() => res.end());
    sent.push(() => res.destroy());
    sent[0]?.();
  };
  const at = (i: number) => () => sent[i]?.();
  return { model, more: at(0), end: at(1), breakOff: at(2), isClosed: () => closed };
}
const post = (url: string, unit: string, signal?: AbortSignal) =>
  fetch(`${url}/v2/models/spam/infer`, {
    method: 'POST',
    headers: { 'x-slipway-unit': unit },
    body: '{}',
    ...(signal ? { signal } : {}),
  });
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe('a streamed answer', () => {
  it('reaches its caller piece by piece, and its row is written before its end', async () => {
    const { model, more, end } = events();
    const router = await startRouter(await serve(model), await serve(good), {}, undefined, { protocols: streamed });
    const response = await post(router.url, CONTROL);
    expect([response.status, response.headers.get('content-type'), response.headers.get('x-slipway-version')]).toEqual([
      200,
      'text/event-stream',
      'spam:1',
    ]);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(text((await reader.read()).value)).toBe('data: 0\n\n');
    expect(router.rows).toEqual([]);
    more();
    expect(text((await reader.read()).value)).toBe('data: 1\n\n');
    end();
    expect((await reader.read()).done).toBe(true);
    expect(router.rows).toMatchObject([{ status: 200, error_code: '', response: 'data: 0\n\ndata: 1\n\n' }]);
  });

  it('that is long is logged as digest, size and head of all of it', async () => {
    const long: Model = (_, res) => res.writeHead(200, EVENTS).end(Buffer.alloc(50_000, 'x'));
    const router = await startRouter(await serve(long), await serve(good), {}, undefined, { protocols: streamed });
    expect(await (await post(router.url, CONTROL)).text()).toHaveLength(50_000);
    expect(router.rows).toMatchObject([
      { response: { bytes: 50_000, digest: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    ]);
  });

  it('whose target breaks off is broken for its caller, and a failure in its row', async () => {
    const { model, breakOff } = events();
    const router = await startRouter(await serve(model), await serve(good), {}, undefined, { protocols: streamed });
    const response = await post(router.url, CONTROL);
    breakOff();
    await expect(response.text()).rejects.toThrow();
    await until(() => router.rows.length > 0);
    expect(router.rows).toMatchObject([{ status: 502, error_code: 'target_failed', response: 'data: 0\n\n' }]);
  });

  it('whose target sends nothing for as long as an answer may take has failed', async () => {
    const { model } = events();
    const extra = { timeout_ms: 300 };
    const router = await startRouter(await serve(model), await serve(good), extra, undefined, { protocols: streamed });
    await expect((await post(router.url, CONTROL)).text()).rejects.toThrow();
    await until(() => router.rows.length > 0);
    expect(router.rows).toMatchObject([{ status: 502, error_code: 'target_failed' }]);
  });

  it('whose caller disconnects is aborted at its target, and its place there is free again', async () => {
    const { model, more, isClosed } = events();
    const limits = { connections: 1, waiting: 0 };
    const answers: Model = (req, res, n) => (n === 0 ? model : good)(req, res, n);
    const router = await startRouter(await serve(answers), await serve(good), {}, limits, { protocols: streamed });
    const left = new AbortController();
    await post(router.url, CONTROL, left.signal);
    left.abort();
    // A caller that closes its sending side may still read; only sending to it shows that it does not.
    await until(() => {
      more();
      return isClosed();
    });
    await until(() => router.rows.length > 0);
    expect(router.rows).toMatchObject([{ status: 200, response: expect.stringMatching(/^data: 0/) }]);
    await until(() => router.bytes.used === 0);
    expect((await router.ask(CONTROL)).status).toBe(200);
  });

  it('that never begins is not an answer: control answers instead', async () => {
    const silent: Model = (_, res) => res.writeHead(200, EVENTS).flushHeaders();
    const extra = { timeout_ms: 1000 };
    const router = await startRouter(await serve(good), await serve(silent), extra, undefined, { protocols: streamed });
    const answer = await post(router.url, CANDIDATE);
    expect([answer.status, answer.headers.get('x-slipway-version')]).toEqual([200, 'spam:1']);
    expect(router.rows).toMatchObject([{ error_code: 'timeout', fallback_from: 'spam:2' }]);
  });
});

describe('a second hop', () => {
  const toCandidate = (assignment: Assignment): Assignment => ({
    ...assignment,
    arm: armsOf(assignment.branch)[1] as RouteArm,
    reason: 'forced',
  });
  const unsure: Model = (_, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{"sure":false}');
  it('is asked what the first answer leads to, and its caller gets the last answer', async () => {
    const asked: string[] = [];
    const next: NextHop = ({ hop, conclusion }) => {
      asked.push(conclusion.served?.said.body.toString() ?? '');
      if (asked.length > 1) return undefined;
      const assignment = toCandidate(hop.assignment);
      return { ...hop, assignment, request: { ...hop.request, body: Buffer.from('{"again":true}') } };
    };
    const router = await startRouter(await serve(unsure), await serve(good), {}, undefined, { next });
    const answer = await router.ask(CONTROL);
    expect([answer.status, answer.arm, answer.text]).toEqual([200, 'spam:2', '{"outputs":[]}']);
    expect(asked).toEqual(['{"sure":false}', '{"outputs":[]}']);
    expect(router.rows).toMatchObject([{ served_version: 'spam:2' }]);
  });

  it('aborts the stream of the previous answer', async () => {
    const { model, isClosed } = events();
    const next: NextHop = ({ hop }) =>
      hop.assignment.arm.name === 'control' ? { ...hop, assignment: toCandidate(hop.assignment) } : undefined;
    const router = await startRouter(await serve(model), await serve(good), {}, undefined, {
      protocols: streamed,
      next,
    });
    expect((await router.ask(CONTROL)).arm).toBe('spam:2');
    await until(isClosed);
  });
});
