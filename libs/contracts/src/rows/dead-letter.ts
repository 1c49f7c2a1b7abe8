import { z } from 'zod';
import { timeMsSchema } from '@slipway/core';

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
