import { z } from 'zod';
import { nameSchema, timeMsSchema } from '@slipway/core';

/** One business fact, one line of `outcomes.v1`. */
export const outcomeRowSchema = z.object({
  event_id: z.string().min(1),
  type: z.literal('slipway.outcome.v1'),
  source: z.string(),
  time: timeMsSchema,
  endpoint: z.string().min(1),
  name: z.string().min(1),
  value: z.union([z.number(), z.string(), z.boolean()]),
  /** One of the two is given; the other is empty. */
  unit: z.string(),
  request_id: z.string(),
});
export type OutcomeRow = z.infer<typeof outcomeRowSchema>;

/** The body of `POST /v1/outcomes`. */
export const outcomeInputSchema = z
  .strictObject({
    event_id: z.string().min(1).max(128).optional(),
    endpoint: nameSchema,
    name: nameSchema,
    value: z.union([z.number(), z.string().max(1024), z.boolean()]),
    unit: z.string().min(1).max(256).optional(),
    request_id: z.string().min(1).max(128).optional(),
    /** When it happened, milliseconds since the epoch; now when absent. */
    time: timeMsSchema.optional(),
  })
  .refine((o) => (o.unit === undefined) !== (o.request_id === undefined), {
    message: 'give either unit or request_id',
    path: ['unit'],
  });
export type OutcomeInput = z.infer<typeof outcomeInputSchema>;
export const outcomesBodySchema = z.union([
  outcomeInputSchema,
  z.strictObject({ outcomes: z.array(outcomeInputSchema).min(1).max(10_000) }),
]);
