import { MAX_RECORD_BYTES, type MessageOf, type Topic } from '@slipway/contracts';
import { portableJson } from './portable-json.ts';

/** A record as Kafka takes it. */
export type OutgoingRecord = { key?: string | null; value: string | Buffer | null; headers?: Record<string, string> };

/** What is published on a topic: a value of its schema, or of a state topic a key whose state is no more. */
export type Message<T extends Topic> =
  | {
      value: MessageOf<T>;
      /** The trace that it belongs to (W3C); a record of many rows belongs to none. */
      traceparent?: T['carries'] extends 'rows' ? never : string;
    }
  | (T['carries'] extends 'state' ? { key: string; value: null } : never);

/** What is on its way already as the bytes of its topic: lines without the last newline, or one event. */
export type EncodedRecord<T extends Topic> = { value: string | Buffer } & (T['carries'] extends 'rows'
  ? unknown
  : { key: string; traceparent?: string });

/** A value as the JSON of its topic. Where ClickHouse reads it, no number and no character in it stops ClickHouse. */
export function encodeValue<T extends Topic>(topic: T, value: MessageOf<T>): string {
  return topic.readers.includes('clickhouse') ? portableJson(value as object) : JSON.stringify(value);
}

/** Messages as records: one each, and of batched rows as many lines in a record as fit. Pure. */
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

/** A record with its trace as the header that consumers look for. */
export function keyedRecord(r: {
  key?: string;
  value: string | Buffer;
  traceparent?: string | undefined;
}): OutgoingRecord {
  return { key: r.key ?? null, value: r.value, ...(r.traceparent ? { headers: { traceparent: r.traceparent } } : {}) };
}

/** Joins lines into records of less than `maxBytes`; a line that is longer has a record of its own. */
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
