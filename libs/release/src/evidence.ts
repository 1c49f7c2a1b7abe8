import { z } from 'zod';
import { revisionSchema } from '@slipway/core';
import { nameSchema, timeMsSchema } from '@slipway/core';

export const verdictSchema = z.enum(['advance', 'hold', 'rollBack']);
export type Verdict = z.infer<typeof verdictSchema>;

/** One analyser's verdict with the numbers behind it. */
export const evidenceSchema = z.object({
  event_id: z.uuid(),
  type: z.literal('slipway.evidence.v1'),
  source: z.string(),
  time: timeMsSchema,
  rollout_id: z.uuid(),
  endpoint: nameSchema,
  revision: revisionSchema,
  step: z.int().min(0),
  analyser: nameSchema,
  sequence: z.int().nonnegative(),
  /** After this instant it counts for nothing. */
  expires_at: timeMsSchema,
  verdict: verdictSchema,
  /** Stable codes, most important first. */
  reasons: z.array(z.string()).min(1),
  /** One plain sentence for people. */
  sentence: z.string(),
  /** The share of the rollout's α that this analyser spends; 0 when it never rolls back. */
  alpha: z.number().min(0).lt(1),
  numbers: z.record(z.string(), z.unknown()),
});
export type Evidence = z.infer<typeof evidenceSchema>;
