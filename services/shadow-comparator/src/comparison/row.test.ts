import { compareSchema } from '@slipway/release';
import { type ShadowPair, shadowPairSchema, topics } from '@slipway/contracts';
import { encodeValue } from '@slipway/platform';
import { describe, expect, it } from 'vitest';
import { comparisonRow } from './row.ts';

const answer = (value: unknown) => ({ outputs: [{ name: 'class', datatype: 'BYTES', shape: [1], data: [value] }] });
const pair = (change: object): ShadowPair =>
  shadowPairSchema.parse({
    event_id: 'e',
    time: 1,
    request_id: 'r',
    endpoint: 'spam',
    rollout_id: '0198c0de-0000-7000-8000-000000000001',
    step: 0,
    control: answer('a'),
    candidate: answer('a'),
    ...change,
  });
const row = async (change: object, compare: object = {}) => {
  const r = await comparisonRow(pair(change), compareSchema.parse(compare), {
    source: 's',
    now: 1,
    traceparent: undefined,
  });
  return [r.result, r.reason, r.agree];
};

describe('one row of comparisons', () => {
  it('counts faults of the candidate as disagreement: timeouts, errors, missing answers', async () => {
    expect(await row({ result: 'failed', reason: 'candidate_timeout' })).toEqual([
      'failed',
      'candidate_timeout',
      false,
    ]);
    expect(await row({ result: 'expired', reason: 'candidate_timeout' })).toEqual([
      'expired',
      'candidate_timeout',
      false,
    ]);
    expect(await row({ result: 'failed', reason: 'candidate_error' })).toEqual(['failed', 'candidate_error', false]);
    expect(await row({ candidate: null })).toEqual(['failed', 'candidate_missing', false]);
  });
  it('does not count faults of Slipway against the candidate', async () => {
    expect((await row({ result: 'shed', reason: 'busy' }))[2]).toBe(true);
    expect((await row({ result: 'expired', reason: 'deadline' }))[2]).toBe(true);
    expect((await row({ result: 'failed', reason: 'no_target' }))[2]).toBe(true);
    expect(await row({ control: null })).toEqual(['failed', 'control_missing', true]);
  });
  it('is not a pair when the rule names nothing that the answers have', async () => {
    expect(await row({ candidate: answer('b') }, { fields: ['label'] })).toEqual(['failed', 'nothing_compared', true]);
    expect((await row({ control: { outputs: [] }, candidate: { outputs: [] } }))[1]).toBe('nothing_compared');
    expect((await row({ control: {}, candidate: {} }))[1]).toBe('nothing_compared');
    expect(await row({ candidate: answer('b') }, { fields: ['class'] })).toEqual(['paired', '', false]);
  });
  it('is well-formed whatever answers contain: lone surrogates, a character that truncation would split', async () => {
    const long = `${'x'.repeat(197)}😀`;
    const made = await comparisonRow(
      pair({ control: answer(long), candidate: answer('\ud83d alone') }),
      compareSchema.parse({}),
      { source: 's', now: 1, traceparent: undefined },
    );
    const line = encodeValue(topics.comparisons, { ...made, reason: '\udc00' });
    expect(line).not.toMatch(/\\ud[89a-f]/i);
    const back = JSON.parse(line) as { differences: { control: string; candidate: string }[] };
    expect(back.differences[0]?.candidate).toContain('\ufffd alone');
  });
});

describe('a row of answers with extreme names', () => {
  it('stays far below a record, however long the names of the fields are', async () => {
    const candidate = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}${'n'.repeat(50_000)}`, i]));
    const made = await comparisonRow(pair({ control: { a: 1 }, candidate }), compareSchema.parse({}), {
      source: 's',
      now: 1,
      traceparent: undefined,
    });
    expect([made.agree, made.differences.length]).toEqual([false, 20]);
    expect(JSON.stringify(made).length).toBeLessThan(20_000);
  });
  it("is a disagreement when the candidate has none of control's fields", async () => {
    expect(await row({ control: { label: 'spam' }, candidate: { etiket: 'spam' } })).toEqual(['paired', '', false]);
  });
});
