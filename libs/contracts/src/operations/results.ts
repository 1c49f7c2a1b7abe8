import { armVerdictSchema, evidenceSchema, verdictSchema } from '@slipway/release';
import { z } from 'zod';
import { soughtId } from '../rest/fields.ts';
import { operation } from '../rest/operation.ts';

const said = z.object({
  verdict: verdictSchema,
  reasons: z.array(z.string()),
  sentence: z.string(),
  arms: z.array(armVerdictSchema),
  numbers: z.record(z.string(), z.unknown()),
});

/** A recorded verdict and the verdict computed again from the same rows. */
export const rebuiltSchema = z.object({
  rollout_id: z.string(),
  event_id: z.string(),
  recorded: said,
  rebuilt: said,
  /** Whether both are exactly equal. */
  same: z.boolean(),
  /** Paths of the values that differ. */
  differs: z.array(z.string()),
});
export type Rebuilt = z.infer<typeof rebuiltSchema>;

export const results = {
  get: operation({
    method: 'get',
    path: '/v1/results/{rollout}',
    summary: "The result of this analyser's latest look at a rollout",
    role: 'viewer',
    params: { rollout: soughtId },
    response: evidenceSchema,
  }),
};

export const rebuilds = {
  get: operation({
    method: 'get',
    path: '/v1/results/{rollout}/{evidence}',
    summary: 'A recorded verdict, and the verdict computed again from the same rows in ClickHouse',
    role: 'viewer',
    params: { rollout: soughtId, evidence: soughtId },
    response: rebuiltSchema,
  }),
};
