import { describe, expect, it } from 'vitest';
import { MAX_RECORD_BYTES, rowOutputs } from '@slipway/contracts';
import { parseBytes } from '@slipway/core';
import { protocols } from '@slipway/protocol';
import { loggedBody, outputsOfRow, predictionLine, type RowHead } from './row.ts';
import { MOST_LOGGED_BYTES } from '../journal/row-bounds.ts';

const [oip] = protocols;

const logged = (body: string | Buffer, isJson = true, max = 1000) =>
  loggedBody(Buffer.from(body), isJson, max).json.toString('utf8');

describe('the bodies of a row', () => {
  it('are inserted unchanged, with raw newlines as spaces', () => {
    expect(logged('{"a":\n [1,\r\n2]}')).toBe('{"a":  [1,  2]}');
    // as many digits as a double prints, after the point
    const body = Buffer.from('{"a":[0.000001234567890123456789,1.7976931348623157e+30,-5e-30,123456789012345678]}');
    expect(loggedBody(body, true, 1000).json).toBe(body);
  });
  it('become a string when they are not JSON, and null when empty', () => {
    expect(JSON.parse(logged('{"a":', false))).toBe('{"a":');
    expect(logged('', false)).toBe('null');
  });
  it.each([
    ['an escaped surrogate', '{"a":"\\uD800"}'],
    ['a huge exponent', '{"a":1e999}'],
    ['an integer beyond 64 bits', '{"a":123456789012345678901}'],
    ['deep nesting', `${'['.repeat(300)}${']'.repeat(300)}`],
  ])('become a string when they contain %s, which some readers refuse', (_, body) => {
    expect(JSON.parse(logged(body))).toBe(body);
  });
  it('become digest, size and head when they are long', () => {
    expect(JSON.parse(logged(`{"a":"${'x'.repeat(2000)}"}`))).toEqual({
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      bytes: 2008,
      head: expect.stringMatching(/^\{"a":"x+$/),
    });
  });
  it('make one line of JSON with the head', () => {
    const line = Buffer.concat(
      predictionLine({ event_id: 'e', sequence: 7 } as RowHead, Buffer.from('{"x":1}'), Buffer.from('null')),
    ).toString();
    expect(line.endsWith('}\n')).toBe(true);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({ event_id: 'e', sequence: 7, request: { x: 1 }, response: null });
  });
});

describe('the outputs of an answer', () => {
  const outputs = (answer: object) => outputsOfRow(oip.readAnswer(Buffer.from(JSON.stringify(answer))).outputs);
  it('are the names and elements of its tensors, and missing when it is not an answer', () => {
    const tensor = { name: 'class', datatype: 'INT64', shape: [1], data: [1] };
    expect(outputs({ outputs: [tensor, { ...tensor, name: 'scores', data: [[1, 2]] }] })).toEqual({
      class: '1',
      scores: '[1,2]',
    });
    expect(outputs({ error: 'x' })).toEqual({});
  });
  it('keep every digit of a single integer', () => {
    const body = Buffer.from('{"outputs":[{"name":"id","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}');
    expect(outputsOfRow(oip.readAnswer(body).outputs)).toEqual({ id: '9007199254740993' });
  });
});

describe('a row, at the largest MAX_LOGGED_BYTES', () => {
  const L = MOST_LOGGED_BYTES;
  const worst = '\u0001'.repeat(256);
  // The longest value of each field that the router accepts from callers and targets.
  const head = {
    ...{ event_id: 'e'.repeat(36), type: 'slipway.prediction.v1', source: 's'.repeat(253), time: 1e15, step: 1e9 },
    ...{ request_id: '\u00a0'.repeat(128), endpoint: 'n'.repeat(128), unit: worst, router: 's'.repeat(253) },
    outputs: rowOutputs(Array.from({ length: 64 }, (_, i) => [`o${i}`, [worst]] as const)),
    ...{ served_version: 'm'.repeat(140), fallback_from: 'm'.repeat(140), trace_id: 't'.repeat(32) },
  } as unknown as RowHead;
  it.each([
    ['control characters', Buffer.alloc(256 * 1024, 1)],
    ['control characters up to the limit', Buffer.alloc(L, 1)],
    ['bytes that are not UTF-8', Buffer.alloc(L, 0xff)],
    ['quotes', Buffer.alloc(L, 0x22)],
    ['JSON up to the limit', Buffer.from(`"${'x'.repeat(L - 2)}"`)],
    ['JSON of newlines', Buffer.concat([Buffer.alloc(L - 2, 10), Buffer.from('{}')])],
    ['JSON that becomes a string', Buffer.from(`[1e999,"${'\\\\n'.repeat(L / 4)}"]`)],
    ['more than the limit', Buffer.alloc(L + 1, 0x61)],
  ])('fits into a record, whatever its bodies are: %s', (_, body) => {
    const { json, whole } = loggedBody(body, parseBytes(body) !== undefined, L);
    const line = Buffer.concat(predictionLine(head, json, json));
    expect(line.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    const { request } = JSON.parse(line.toString()) as { request: { digest?: string; bytes?: number } };
    expect(whole || (request.digest?.length === 64 && request.bytes === body.length)).toBe(true);
  });
});
