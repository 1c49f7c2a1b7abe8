import { z } from 'zod';
import { nameSchema, timeMsSchema } from '@slipway/core';
import { defineRow } from './define-row.ts';
import { EVENT_ID, LOW, rawOf, required, SOURCE, text } from './kinds.ts';

/** One business fact, one line of `outcomes.v1`. */
export const outcomeRow = defineRow({
  type: 'slipway.outcome.v1',
  table: 'outcomes',
  comment: 'Business facts about a unit or a request, from outcomes.v1; they may come weeks later; kept 400 days',
  fields: {
    event_id: { schema: required, ...EVENT_ID },
    time: {
      schema: timeMsSchema,
      column: 'DateTime64(3)',
      withinDays: 400,
      comment: 'when it happened, by the clock of the reporter',
    },
    source: { schema: text, ...SOURCE },
    endpoint: { schema: required, column: LOW, comment: 'the endpoint that it is about' },
    name: { schema: required, column: LOW, comment: 'which fact: metrics refer to it' },
    value: {
      schema: z.union([z.number(), z.string(), z.boolean()]),
      column: 'String',
      refused: {
        when: `NOT match(${rawOf('value')}, '^["tf0-9-]')`,
        why: 'value: must be a number, a string or a boolean',
      },
      comment: 'as text: numbers and booleans in their JSON form',
    },
    unit: {
      schema: text,
      column: 'String',
      decides: true,
      comment: 'the unit that it is about; empty when it is about a request',
    },
    request_id: {
      schema: text,
      column: 'String',
      decides: true,
      refused: {
        when: "(fields.unit = '') = (fields.request_id = '')",
        why: 'unit: give either unit or request_id',
      },
      comment: 'the request that it is about; empty when it is about a unit',
    },
  },
  derived: {
    number: {
      column: 'Nullable(Float64)',
      value: `multiIf(${rawOf('value')} = 'true', 1., ${rawOf('value')} = 'false', 0.,
        startsWith(${rawOf('value')}, '"'), NULL, toFloat64OrNull(${rawOf('value')}))`,
      comment: 'the value when it is a number; 1 and 0 for booleans',
    },
  },
});
export const outcomeRowSchema = outcomeRow.schema;
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
