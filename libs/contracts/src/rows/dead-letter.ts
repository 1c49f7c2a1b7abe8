import { z } from 'zod';
import { timeMsSchema } from '@slipway/core';
import { defineRowOf } from './define-row.ts';
import { LOW } from './kinds.ts';

/** What a consumer could not use, and why. */
export const deadLetterSchema = z.object({
  event_id: z.string().min(1),
  time: timeMsSchema,
  consumer: z.string(),
  topic: z.string(),
  partition: z.int(),
  /** A decimal string: Kafka's offsets are 64 bits wide. */
  offset: z.string(),
  reason: z.string(),
  /** The raw value, base64. */
  raw: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

export const deadLetterRow = defineRowOf(deadLetterSchema, {
  table: 'dead_letters',
  comment:
    'What nobody could use, and why: lines that the ingest refused, records that consumers refused; kept 90 days',
  requires: ['event_id', 'topic'],
  fields: {
    event_id: {
      column: 'String',
      comment: "the dead letter's identity; of a refused line the SHA-256, in hexadecimal",
    },
    time: { column: null, comment: 'when it was refused' },
    consumer: { column: LOW, comment: 'who refused it: clickhouse for the ingest, or the consumer group' },
    topic: { column: LOW, comment: 'the topic that it lies in' },
    partition: { column: 'UInt32', comment: 'the partition that it lies in' },
    offset: {
      column: 'UInt64',
      json: 'String',
      value: 'toUInt64OrZero(fields.`offset`)',
      comment: "its record's offset in that partition",
    },
    reason: { column: 'String', comment: 'why it could not be used, in a sentence' },
    raw: { column: 'String', value: 'tryBase64Decode(fields.raw)', comment: 'its bytes as they came' },
  },
});
