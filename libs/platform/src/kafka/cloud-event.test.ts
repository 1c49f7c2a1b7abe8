import { topics } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { parseRecord } from './record.ts';

const row = { endpoint: 'spam', name: 'label', value: 1, unit: '', request_id: 'r1' };
const whole = { ...row, event_id: 'e1', type: 'slipway.outcome.v1', source: 'shop', time: 1_700_000_000_123 };
const event = {
  specversion: '1.0',
  id: 'e1',
  type: 'slipway.outcome.v1',
  source: 'shop',
  time: '2023-11-14T22:13:20.123Z',
  datacontenttype: 'application/json',
  data: row,
};
const parsed = (value: unknown, headers: Record<string, string> = {}) =>
  parseRecord(topics.outcomes, Buffer.from(JSON.stringify(value)), headers);

it("reads the row of a CloudEvent in structured mode; the row's own fields take precedence", () => {
  expect(parsed(event)).toMatchObject({ ok: true, value: whole });
  expect(
    parsed({ ...event, time: undefined, data: { ...row, time: 5, event_id: 'own', source: 'own' } }),
  ).toMatchObject({ ok: true, value: { ...whole, time: 5, event_id: 'own', source: 'own' } });
});

it('reads a CloudEvent in binary mode with its id from the header, and a bare row unchanged', () => {
  const { event_id: _, ...nameless } = whole;
  expect(parsed(nameless, { ce_id: 'h1' })).toMatchObject({ ok: true, value: { ...whole, event_id: 'h1' } });
  expect(parsed(whole, { ce_id: 'h1' })).toMatchObject({ ok: true, value: whole });
});

it('refuses an event whose data are not a row, or that has another type', () => {
  expect(parsed({ ...event, data: 'text' })).toMatchObject({ ok: false });
  expect(parsed({ ...event, type: 'com.example.other' })).toMatchObject({ ok: false });
});
