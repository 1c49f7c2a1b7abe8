import { evidenceSchema, verdictSchema } from '@slipway/release';
import { z } from 'zod';
import { soughtId } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

const said = z.object({
  verdict: verdictSchema,
  reasons: z.array(z.string()),
  sentence: z.string(),
  numbers: z.record(z.string(), z.unknown()),
});

/** A recorded verdict beside the one that the same rows give now. */
export const rebuiltSchema = z.object({
  rollout_id: z.string(),
  event_id: z.string(),
  recorded: said,
  rebuilt: said,
  /** To the last digit. */
  same: z.boolean(),
  /** Paths of what is not. */
  differs: z.array(z.string()),
});
export type Rebuilt = z.infer<typeof rebuiltSchema>;

export const results = {
  get: operation({
    method: 'get',
    path: '/v1/results/{rollout}',
    summary: 'What this analyser found at its last look at a rollout',
    role: 'viewer',
    params: { rollout: soughtId },
    response: evidenceSchema,
  }),
};

export const rebuilds = {
  get: operation({
    method: 'get',
    path: '/v1/results/{rollout}/{evidence}',
    summary: 'A recorded verdict beside the one that the same rows in ClickHouse give now',
    role: 'viewer',
    params: { rollout: soughtId, evidence: soughtId },
    response: rebuiltSchema,
  }),
};
