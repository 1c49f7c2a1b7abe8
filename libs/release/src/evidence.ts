import { z } from 'zod';
import { revisionSchema } from '@slipway/core';
import { nameSchema, timeMsSchema } from '@slipway/core';

export const verdictSchema = z.enum(['advance', 'hold', 'rollBack']);
export type Verdict = z.infer<typeof verdictSchema>;

/** What an analyser says of one candidate. */
export const armVerdictSchema = z.object({
  arm: nameSchema,
  verdict: verdictSchema,
  reasons: z.array(z.string()).min(1),
  sentence: z.string(),
});
export type ArmVerdict = z.infer<typeof armVerdictSchema>;

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
  /** The evidence is not used after this time. */
  expires_at: timeMsSchema,
  /** Of the rollout: `rollBack` only where every candidate that remains is to be. */
  verdict: verdictSchema,
  /** Stable codes, most important first; of several candidates with the arm behind an `@`. */
  reasons: z.array(z.string()).min(1),
  /** The verdict as one plain sentence. */
  sentence: z.string(),
  /** Of each candidate that it judges by itself; empty where it speaks of the rollout as a whole. */
  arms: z.array(armVerdictSchema),
  /** The share of the rollout's α that this analyser uses; 0 when it never rolls back. */
  alpha: z.number().min(0).lt(1),
  numbers: z.record(z.string(), z.unknown()),
});
export type Evidence = z.infer<typeof evidenceSchema>;
