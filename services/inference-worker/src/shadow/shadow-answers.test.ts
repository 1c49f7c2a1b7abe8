import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_RECORD_BYTES, type Route, type ShadowPair, type ShadowRequest } from '@slipway/contracts';
import { type ConsumedRecord, metrics, type RecordProducer } from '@slipway/platform';
import { afterEach, describe, expect, it } from 'vitest';
import { startLegs } from './legs.fixture.ts';
import { ShadowLane } from './shadow-lane.consumer.ts';

const servers: Server[] = [];
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  for (const s of servers.splice(0)) {
    s.closeAllConnections();
    s.close();
  }
});

type Model = (res: ServerResponse, req: IncomingMessage, body: string) => void;
async function serve(model: Model): Promise<string> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (c: Buffer) => chunks.push(c)).on('end', () => model(res, req, Buffer.concat(chunks).toString()));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const says =
  (text: string): Model =>
  (res) =>
    res.writeHead(200, { 'content-type': 'application/json' }).end(text);

/** The pair that the lane publishes for one sampled request whose versions are served by other servers. */
async function shadowOf(
  { request = {}, response, noise = false }: { request?: unknown; response: unknown; noise?: boolean },
  candidate: Model,
  control: Model = says('{}'),
): Promise<{ pair: ShadowPair; bytes: number }> {
  const target = (version: number, address: string) => ({
    model: 'm',
    version,
    addresses: [address],
    protocol: 'oip',
    workers: false,
    price: 0,
  });
  const arms = [target(1, await serve(control)), target(2, await serve(candidate))].map((t) => ({ target: t }));
  const route = { branches: [{ target: arms[0]?.target, rollout: { arms } }], timeout_ms: 5000 } as unknown as Route;
  const routes = new Map([['m', route]]);
  // Neither version is loaded in this process: both are served by others.
  const { legs, close } = startLegs(routes);
  closing.push(close);
  const sent: { value: string }[] = [];
  const producer = { publishEncoded: async (_: unknown, records: { value: string }[]) => void sent.push(...records) };
  const lane = new ShadowLane({
    legs,
    routes,
    producer: producer as unknown as RecordProducer,
    source: 'worker-1',
    concurrency: 1,
    now: () => Date.now(),
  });
  const parsed: Partial<ShadowRequest> = {
    ...{
      event_id: 'e',
      request_id: 'r',
      traceparent: '',
      endpoint: 'm',
      protocol: 'oip',
      step: 0,
      noise,
      deadline_ms: 60_000,
    },
    ...{ control_version: 'm:1', candidate_version: 'm:2', control_latency_us: 1, control_compute_us: 1 },
    ...{ oversize: false, request, response },
  };
  const record = { parsed, timestamp: String(Date.now()), headers: {} } as ConsumedRecord<ShadowRequest>;
  expect(await lane.take([record])).toHaveLength(1);
  expect(sent).toHaveLength(1);
  const value = String(sent[0]?.value);
  return { pair: JSON.parse(value) as ShadowPair, bytes: Buffer.byteLength(value) };
}

describe('the answers of a shadow pair', () => {
  const answer = '{"outputs":[{"name":"x","datatype":"FP64","shape":[1],"data":[0.5]}],"scale":1e999}';
  it('are equal when the bytes are, even if those of control came as text', async () => {
    const { pair } = await shadowOf({ response: answer, noise: true }, says(answer), says(answer));
    expect(pair).toMatchObject({ result: 'paired', candidate: { outputs: [{ data: [0.5] }] } });
    expect(pair.candidate).toEqual(pair.control);
    expect(pair.noise).toEqual(pair.control);
  });
  it.each(['"123"', '"plain"', '[oops'])('are missing when a live caller would get none: %s', async (text) => {
    const { pair } = await shadowOf({ response: {} }, says(text));
    expect([pair.result, pair.reason]).toEqual(['failed', 'candidate_error']);
  });
  it('belong to exactly the request that control got, digit by digit, when it comes as text', async () => {
    const text = '{"inputs":[{"data":[9223372036854775807,-0.0]}]}';
    let got = '';
    await shadowOf({ request: text, response: {} }, (res, req, body) => {
      got = body;
      says('{}')(res, req, body);
    });
    expect(got).toBe(text);
  });
});

describe('a shadow with huge answers', () => {
  const long = (bytes: number) => `{"outputs":[],"text":"${'x'.repeat(bytes)}"}`;
  it.each([
    ['a million bytes', says(long(1_000_000))],
    // As long as the pair's deadline if it were read to its end.
    ['an answer that never ends', (res: ServerResponse) => void drip(res)],
  ])('is a failure of the candidate, in a record that Kafka accepts: %s', async (_, candidate) => {
    const { pair, bytes } = await shadowOf({ response: {} }, candidate);
    expect(bytes).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    expect(pair).toMatchObject({ result: 'failed', reason: 'candidate_error', candidate: null });
    expect(await metrics.getSingleMetricAsString('slipway_shadow_answers_too_long_total')).toMatch(/"m:2"\} [1-9]/);
  });
  it.each([5000, 200_000])('are compared as text when they are nested %d deep, and the two differ', async (depth) => {
    const { pair } = await shadowOf({ response: {} }, says(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`));
    expect([pair.result, typeof pair.candidate]).toEqual(['paired', 'string']);
  });
  it('drops the noise leg, which no pair needs, before the answers', async () => {
    const control = long(430 * 1024);
    const request = { response: JSON.parse(control) as unknown, noise: true };
    const { pair, bytes } = await shadowOf(request, says(long(440 * 1024)), says(control));
    expect(bytes).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    expect(pair).toMatchObject({ result: 'paired', noise: null, candidate: { text: expect.any(String) } });
  });
  it('is oversize, which counts for neither arm, when numbers grow beyond a record as they are read', async () => {
    const grows = `{"a":[${'1e20,'.repeat(80_000)}0]}`;
    const { pair, bytes } = await shadowOf({ response: JSON.parse(grows) as unknown }, says(grows));
    expect(bytes).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    expect(pair).toMatchObject({ result: 'failed', reason: 'oversize', control: null, candidate: null });
  });
});

it.each([301, 307])('does not follow a redirect of the candidate: %d is its failure', async (status) => {
  let asked = 0;
  const elsewhere = await serve((res, req, body) => {
    asked++;
    says('{}')(res, req, body);
  });
  const { pair } = await shadowOf({ response: {} }, (res) => res.writeHead(status, { location: elsewhere }).end());
  expect([asked, pair.result, pair.reason]).toEqual([0, 'failed', 'candidate_error']);
});

function drip(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'application/json' });
  const more = () => {
    while (!res.destroyed && res.write(Buffer.alloc(65_536, 0x20)));
    if (!res.destroyed) res.once('drain', more);
  };
  more();
}
