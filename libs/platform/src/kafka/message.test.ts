import { MAX_RECORD_BYTES, type MessageOf, type OutcomeRow, topics } from '@slipway/contracts';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { batchedLines, encodeMessages, encodeValue, type Message } from './message.ts';
import { parseRecord } from './record.ts';

const outcome = (change: Partial<OutcomeRow> = {}): OutcomeRow => ({
  event_id: 'e',
  type: 'slipway.outcome.v1',
  source: 's',
  time: 1,
  endpoint: 'spam',
  name: 'kept',
  value: true,
  unit: 'u',
  request_id: '',
  ...change,
});
const pair: MessageOf<typeof topics.shadowPairs> = {
  event_id: 'e',
  time: 1,
  request_id: 'r-1',
  endpoint: 'spam',
  rollout_id: '0198c0de-0000-7000-8000-000000000001',
  step: 0,
};

describe('a published message', () => {
  it("has its topic's key, its trace as a header, and parses as its topic's value", () => {
    const [record] = encodeMessages(topics.shadowPairs, [{ value: pair, traceparent: '00-1-2-01' }]);
    expect(record).toMatchObject({ key: 'r-1', headers: { traceparent: '00-1-2-01' } });
    const back = parseRecord(topics.shadowPairs, Buffer.from(record?.value ?? ''));
    // Fields that the producer left out have the schema's defaults.
    expect(back).toMatchObject({ ok: true, value: { ...pair, result: 'paired', source: 'foreign' } });
  });

  it('is a record without a value when a state is deleted', () => {
    expect(encodeMessages(topics.routes, [{ key: 'spam', value: null }])).toEqual([{ key: 'spam', value: null }]);
  });

  it('shares a record with other rows below the size limit, in order and without a key', () => {
    const rows = Array.from({ length: 30 }, (_, i) => outcome({ event_id: `${i}`, unit: 'x'.repeat(100_000) }));
    const records = encodeMessages(
      topics.outcomes,
      rows.map((value) => ({ value })),
    );
    expect(records.length).toBe(4);
    for (const r of records) {
      expect(Object.keys(r)).toEqual(['value']);
      expect(Buffer.byteLength(r.value ?? '')).toBeLessThan(MAX_RECORD_BYTES);
    }
    const lines = records.flatMap((r) => String(r.value).split('\n'));
    expect(lines.map((l) => (JSON.parse(l) as OutcomeRow).event_id)).toEqual(rows.map((r) => r.event_id));
  });

  it('is made portable for topics that ClickHouse reads, and is not changed for others', () => {
    const huge = { value: 1e20, unit: '\udc00' };
    expect(encodeValue(topics.outcomes, outcome(huge))).toMatch(/"value":1e\+20,"unit":"\ufffd"/);
    expect(encodeValue(topics.shadowPairs, { ...pair, control: '\udc00' })).toContain('"control":"\\udc00"');
  });

  it('does not compile with a value of another topic, a tombstone among events, or a trace on batched rows', () => {
    type Pair = Message<typeof topics.shadowPairs>;
    expectTypeOf<{ value: typeof pair }>().toExtend<Pair>();
    expectTypeOf<{ value: OutcomeRow }>().not.toExtend<Pair>();
    expectTypeOf<{ key: string; value: null }>().not.toExtend<Pair>();
    expectTypeOf<{ key: string; value: null }>().toExtend<Message<typeof topics.instances>>();
    expectTypeOf<{ value: OutcomeRow; traceparent: string }>().not.toExtend<Message<typeof topics.outcomes>>();
  });
});

it('has a record of its own when its line exceeds the limit', () => {
  expect(batchedLines(['a', 'b', 'x'.repeat(10), 'c'], 6)).toEqual(['a\nb', 'x'.repeat(10), 'c']);
});
