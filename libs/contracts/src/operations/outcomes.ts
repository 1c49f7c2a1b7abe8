import { z } from 'zod';
import { outcomesBodySchema } from '../rows/outcome.ts';
import { operation } from '../rest/operation.ts';

export const outcomes = {
  post: operation({
    method: 'post',
    path: '/v1/outcomes',
    summary: 'What became of predictions; the answer means that it is on the disk of the router, on its way to Kafka',
    role: 'caller',
    body: outcomesBodySchema,
    response: z.object({
      event_ids: z.array(z.string()),
      /** Names that no metric reads, told once. */
      warnings: z.array(z.string()).optional(),
    }),
    status: 202,
    // Twice the same `event_id` is one outcome; without one, the router gives each its own.
    repeatable: 'never',
  }),
};
