import { z } from 'zod';
import { outcomesBodySchema } from '../rows/outcome.ts';
import { operation } from '../rest/operation.ts';

export const outcomes = {
  post: operation({
    method: 'post',
    path: '/v1/outcomes',
    summary: 'Report outcomes of predictions; the answer means that they are on the router disk, to be sent to Kafka',
    role: 'caller',
    body: outcomesBodySchema,
    response: z.object({
      event_ids: z.array(z.string()),
      /** Names that no metric reads; reported once. */
      warnings: z.array(z.string()).optional(),
    }),
    status: 202,
    // Repeats of the same `event_id` count as one outcome; without an `event_id`, the router generates one.
    repeatable: 'never',
  }),
};
