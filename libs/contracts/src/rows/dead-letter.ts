import { z } from 'zod';
import { timeMsSchema } from '@slipway/core';
import { defineRowOf } from './define-row.ts';
import { LOW } from './kinds.ts';

/** A record that a consumer could not use, and the reason. */
export const deadLetterSchema = z.object({
  event_id: z.string().min(1),
  time: timeMsSchema,
  consumer: z.string(),
  topic: z.string(),
  partition: z.int(),
  /** A decimal string, since Kafka's offsets have 64 bits. */
  offset: z.string(),
  reason: z.string(),
  /** The raw value, base64. */
  raw: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

export const deadLetterRow = defineRowOf(deadLetterSchema, {
  table: 'dead_letters',
  comment:
    'Records that could not be used, and why: lines refused by the ingest, records refused by consumers; kept 90 days',
  requires: ['event_id', 'topic'],
  fields: {
    event_id: {
      column: 'String',
      comment: 'identity of the dead letter; for a refused line its SHA-256, in hexadecimal',
    },
    time: { column: null, comment: 'when it was refused' },
    consumer: { column: LOW, comment: 'who refused it: clickhouse for the ingest, or the consumer group' },
    topic: { column: LOW, comment: 'the topic of the record' },
    partition: { column: 'UInt32', comment: 'the partition of the record' },
    offset: {
      column: 'UInt64',
      json: 'String',
      value: 'toUInt64OrZero(fields.`offset`)',
      comment: 'the offset of the record in that partition',
    },
    reason: { column: 'String', comment: 'why it could not be used, as a sentence' },
    raw: { column: 'String', value: 'tryBase64Decode(fields.raw)', comment: 'its bytes, unchanged' },
  },
});
