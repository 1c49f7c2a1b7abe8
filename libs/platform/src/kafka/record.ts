import { fieldErrors } from '@slipway/core';
import { type Topic } from '@slipway/contracts';
import type { z } from 'zod';
import { rowOf } from './cloud-event.ts';

/** A record as read from its topic. */
export type RawRecord = {
  topic: string;
  partition: number;
  offset: string;
  timestamp: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
};

/** One record for a handler, with its value parsed by the topic's schema. */
export type ConsumedRecord<V = unknown> = RawRecord & { parsed: V };

/** A handler's result for one record. */
export type RecordResult = { kind: 'ok' } | { kind: 'drop'; reason: string } | { kind: 'deadLetter'; reason: string };
export const ok: RecordResult = { kind: 'ok' };

/**
 * Parses a record by its topic's schema. Returns the value, or the reason why it does not fit. CloudEvents are accepted
 * in structured and in binary mode.
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
