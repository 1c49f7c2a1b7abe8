import { fieldErrors } from '@slipway/core';
import { type Topic } from '@slipway/contracts';
import type { z } from 'zod';
import { rowOf } from './cloud-event.ts';

/** A record as it stands on its topic. */
export type RawRecord = {
  topic: string;
  partition: number;
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
};

/** One record as a handler gets it: the value is parsed by the topic's schema. */
export type ConsumedRecord<V = unknown> = RawRecord & { parsed: V };

/** What a handler says of one record. */
export type RecordResult = { kind: 'ok' } | { kind: 'drop'; reason: string } | { kind: 'deadLetter'; reason: string };
export const ok: RecordResult = { kind: 'ok' };

/**
 * A value that fits its topic's schema, or why it does not. CloudEvents are understood in
 * structured and in binary mode.
 */
export function parseRecord<S extends z.ZodType>(
  topic: Topic<S>,
  value: Buffer | null,
  headers: Record<string, string> = {},
): { ok: true; value: z.output<S> } | { ok: false; reason: string } {
  if (value === null) return { ok: false, reason: 'the record has no value' };
  let json: unknown;
  try {
    json = JSON.parse(value.toString('utf8'));
  } catch (error) {
    return { ok: false, reason: `not JSON: ${(error as Error).message}` };
  }
  const result = topic.schema.safeParse(rowOf(json, headers));
  if (result.success) return { ok: true, value: result.data };
  return {
    ok: false,
    reason: fieldErrors(result.error)
      .slice(0, 10)
      .map((e) => `${e.field}: ${e.message}`)
      .join('; '),
  };
}
