import { MAX_RECORD_BYTES, type MessageOf, type Topic } from '@slipway/contracts';
import { portableJson } from './portable-json.ts';

/** A record in the form that Kafka takes. */
export type OutgoingRecord = { key?: string | null; value: string | Buffer | null; headers?: Record<string, string> };

/** A message for a topic: a value of its schema or, on a state topic, a key whose state is deleted. */
export type Message<T extends Topic> =
  | {
      value: MessageOf<T>;
      /** The W3C trace that the message belongs to; a record of many rows has none. */
      traceparent?: T['carries'] extends 'rows' ? never : string;
    }
  | (T['carries'] extends 'state' ? { key: string; value: null } : never);

/** Already encoded content for a topic: lines without the last newline, or one event. */
export type EncodedRecord<T extends Topic> = { value: string | Buffer } & (T['carries'] extends 'rows'
  ? unknown
  : { key: string; traceparent?: string });

/**
 * Encodes a value as the JSON of its topic. For topics that ClickHouse reads, numbers and characters that it would
 * refuse are replaced.
 */
export function encodeValue<T extends Topic>(topic: T, value: MessageOf<T>): string {
  return topic.readers.includes('clickhouse') ? portableJson(value as object) : JSON.stringify(value);
}

/** Converts messages to records: one each, or for batched rows as many lines in a record as fit. Pure. */
export function encodeMessages<T extends Topic>(topic: T, messages: readonly Message<T>[]): OutgoingRecord[] {
  if (topic.carries === 'rows')
    return batchedLines(
      messages.map((m) => encodeValue(topic, m.value as MessageOf<T>)),
      MAX_RECORD_BYTES,
    ).map((value) => ({ value }));
  return messages.map((m) => {
    if (m.value === null) return { key: (m as { key: string }).key, value: null };
    const { value, traceparent } = m as { value: MessageOf<T>; traceparent?: string };
    return keyedRecord({ key: topic.keyOf(value) as string, value: encodeValue(topic, value), traceparent });
  });
}

/** Adds the trace to a record as the header that consumers read. */
export function keyedRecord(r: {
  key?: string;
  value: string | Buffer;
  traceparent?: string | undefined;
}): OutgoingRecord {
  return { key: r.key ?? null, value: r.value, ...(r.traceparent ? { headers: { traceparent: r.traceparent } } : {}) };
}

/** Joins lines into records of less than `maxBytes`; a longer line has a record of its own. */
export function batchedLines(lines: readonly string[], maxBytes: number): string[] {
  const records: string[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    const bytes = Buffer.byteLength(line) + 1;
    if (size + bytes > maxBytes) {
      records.push(line);
      size = bytes;
    } else {
      records[records.length - 1] += `\n${line}`;
      size += bytes;
    }
  }
  return records;
}
