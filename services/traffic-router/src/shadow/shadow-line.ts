import type { Message } from '@slipway/platform';
import type { ShadowRequest, topics } from '@slipway/contracts';

export type ShadowHead = Omit<ShadowRequest, 'request' | 'response'>;

const REQUEST = Buffer.from(',"request":');
const RESPONSE = Buffer.from(',"response":');
const END = Buffer.from('}\n');
const NULL = Buffer.from('null');

/** One line of the shadow journal; event_id, request_id and traceparent come first, for `shadowRecord`. */
export function shadowLine(
  { event_id, request_id, traceparent, ...rest }: ShadowHead,
  request: Buffer,
  response: Buffer,
): Buffer[] {
  const text = JSON.stringify({ event_id, request_id, traceparent, ...rest });
  return [
    Buffer.from(text.slice(0, -1)),
    REQUEST,
    rest.oversize ? NULL : request,
    RESPONSE,
    rest.oversize ? NULL : response,
    END,
  ];
}

/** Tells of a sampled request that nobody can keep for the shadow: the pair that it ends as. */
export function shedPair(head: ShadowHead): Message<typeof topics.shadowPairs> {
  // What a request says beside what its pair says of it.
  const { traceparent, noise: _noise, deadline_ms: _deadline, oversize: _oversize, ...asked } = head;
  return {
    value: { ...asked, type: 'slipway.shadow-pair.v1', result: 'shed', reason: 'router_journal' },
    traceparent,
  };
}

/** Integers that a double may not hold, and minus zero, also inside strings. */
const MAY_CHANGE = /\d{16}|-0(?!\.?\d*[1-9])/;

/**
 * A logged body (`loggedBody`) for the shadow. If parsing it as JSON and writing it again might change a number, its
 * text is sent unchanged, so that the candidate gets the same numbers as control.
 */
export function shadowBody(logged: Buffer): Buffer {
  const isText = logged[0] === 0x22;
  if (isText || !MAY_CHANGE.test(logged.toString('latin1'))) return logged;
  return Buffer.from(JSON.stringify(logged.toString('utf8')));
}

const HEAD = /^\{"event_id":"[^"]*","request_id":("(?:[^"\\]|\\.)*"),"traceparent":"([^"]*)"/;

/**
 * A journalled line as a record of its own: key and trace header are taken from its beginning, the bodies are not
 * parsed.
 */
export function shadowRecord(line: Buffer): { key: string; value: Buffer; traceparent?: string } {
  const head = HEAD.exec(line.subarray(0, 512).toString('utf8'));
  const key = head?.[1] ? (JSON.parse(head[1]) as string) : '';
  return { key, value: line, ...(head?.[2] ? { traceparent: head[2] } : {}) };
}
