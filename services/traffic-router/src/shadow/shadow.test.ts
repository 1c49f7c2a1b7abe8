import { type ShadowSampling, shadowPairSchema, shadowRequestSchema } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { drawShadow } from '@slipway/routing';
import { shadowBody, type ShadowHead, shadowLine, shadowRecord, shedPair } from './shadow-line.ts';

const shadow: ShadowSampling = {
  arm: 'candidate',
  sample: 0.25,
  noise: 0.4,
  deadline_ms: 1000,
  salt: 'salt',
};
const ids = Array.from({ length: 20_000 }, (_, i) => `request-${i}`);

describe('the draw of the shadow', () => {
  it('takes its share and, of that, the share of the noise leg', () => {
    const draws = ids.map((id) => drawShadow(shadow, id));
    const sampled = draws.filter((d) => d.sampled);
    // Within four standard errors.
    const within = (part: number, of: number, share: number) =>
      expect(Math.abs(part / of - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / of));
    within(sampled.length, ids.length, 0.25);
    within(sampled.filter((d) => d.noise).length, sampled.length, 0.4);
    expect(draws.filter((d) => d.noise && !d.sampled)).toEqual([]);
  });
  it('is the same for the same request, and grows monotonically', () => {
    const small = ids.filter((id) => drawShadow({ ...shadow, sample: 0.1 }, id).sampled);
    expect(small.every((id) => drawShadow(shadow, id).sampled)).toBe(true);
  });
  it('takes nothing without a shadow, everything at 100 %', () => {
    expect(drawShadow(null, 'a').sampled).toBe(false);
    expect(ids.every((id) => drawShadow({ ...shadow, sample: 1 }, id).sampled)).toBe(true);
  });
});

describe('the shadow line', () => {
  const head: ShadowHead = {
    event_id: 'e1',
    request_id: 'with "quotes" and \\',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    type: 'slipway.shadow-request.v1',
    source: 'r',
    time: 1,
    endpoint: 'spam',
    protocol: 'oip',
    rollout_id: '0198c0de-0000-7000-8000-000000000001',
    step: 0,
    unit: 'u',
    control_version: 'spam:1',
    candidate_version: 'spam:2',
    noise: true,
    deadline_ms: 5,
    oversize: false,
    control_latency_us: 1,
    control_compute_us: 1,
  };
  it('becomes a record keyed by the request, with its trace, and keeps the bodies byte by byte', () => {
    const line = Buffer.concat(shadowLine(head, Buffer.from('{"x":1.0}'), Buffer.from('{"y":2}')));
    expect(line.at(-1)).toBe(10);
    const record = shadowRecord(line.subarray(0, -1));
    expect([record.key, record.traceparent]).toEqual([head.request_id, head.traceparent]);
    expect(record.value.toString()).toContain('"request":{"x":1.0},"response":{"y":2}}');
    expect(shadowRequestSchema.parse(JSON.parse(record.value.toString()))).toMatchObject({
      noise: true,
      request: { x: 1 },
    });
  });
  it('that nobody can keep ends as a pair that says so, and all that the request says of itself', () => {
    const { value, traceparent } = shedPair(head);
    const pair = shadowPairSchema.strict().parse(value);
    expect([pair.result, pair.reason, traceparent]).toEqual(['shed', 'router_journal', head.traceparent]);
    const { type: _, noise: __, ...same } = pair;
    for (const [field, said] of Object.entries(head))
      if (field in same) expect([field, same[field as keyof typeof same]]).toEqual([field, said]);
    expect(pair).toMatchObject({ rollout_id: head.rollout_id, unit: 'u', protocol: 'oip', noise: null });
  });
  it('leaves long bodies out', () => {
    const value = JSON.parse(
      Buffer.concat(shadowLine({ ...head, oversize: true }, Buffer.from('{}'), Buffer.from('{}'))).toString(),
    );
    expect(value).toMatchObject({ oversize: true, request: null, response: null });
  });
});

describe('the request of a shadow', () => {
  const asSent = (logged: string) => {
    const { request } = JSON.parse(`{"request":${shadowBody(Buffer.from(logged))}}`) as { request: unknown };
    return typeof request === 'string' ? request : JSON.stringify(request);
  };
  it.each(['{"data":[9223372036854775807]}', '{"data":[-0.0,-0]}', '{"data":[0.1,-0.05,"x\\"-01"]}', '{"data":[]}'])(
    'keeps every digit: %s',
    (text) => expect(asSent(text)).toBe(text),
  );
});
