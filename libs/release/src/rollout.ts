import { z } from 'zod';
import { nameSchema, revisionSchema, timeMsSchema, versionRefSchema } from '@slipway/core';
import { metricSchema } from './metrics/metric.ts';
import { rolloutSpecSchema } from './spec.ts';

const rolloutStatuses = ['created', 'running', 'paused', 'promoted', 'rolledBack', 'aborted'] as const;
export const rolloutStatusSchema = z.enum(rolloutStatuses);
export type RolloutStatus = z.infer<typeof rolloutStatusSchema>;

/** One visit of a step. `preparing`: its versions are not yet reported loaded and warm; traffic is unchanged. */
const stepVisitSchema = z.object({
  step: z.int().min(0),
  phase: z.enum(['preparing', 'active', 'done']),
  weight: z.number().min(0).max(1),
  entered_at: timeMsSchema,
  active_at: timeMsSchema.nullable(),
  /** When it was last resumed; absent when it never was. */
  resumed_at: timeMsSchema.optional(),
  /** Since when it could end except for workers with the candidate warm; absent when that was never so. */
  held_at: timeMsSchema.optional(),
  /** Who approved, when the step requires it. */
  approvals: z.array(z.object({ by: z.string(), at: timeMsSchema, reason: z.string() })).optional(),
  left_at: timeMsSchema.nullable(),
});
export type StepVisit = z.infer<typeof stepVisitSchema>;

/** The whole state of one rollout, as stored in Postgres and published on `rollouts.v1`. */
export const rolloutSchema = z.object({
  id: z.uuid(),
  revision: revisionSchema,
  spec: rolloutSpecSchema,
  control: versionRefSchema,
  /** The metrics of the guardrails as declared when the rollout was created. */
  metrics: z.array(metricSchema),
  /** Largest probability of rolling back a harmless candidate over the whole rollout. */
  alpha: z.number().gt(0).lt(1),
  status: rolloutStatusSchema,
  /** Index of the step under way; -1 before the start. */
  step: z.int().min(-1),
  /** The present share of traffic of all candidates together. */
  weight: z.number().min(0).max(1),
  visits: z.array(stepVisitSchema),
  /** Candidates that were withdrawn alone, permanently; absent when there are none. */
  withdrawn: z
    .array(z.object({ arm: nameSchema, at: timeMsSchema, reason: z.string(), evidence_id: z.string().nullable() }))
    .optional(),
  /** With several candidates, the arm that the rollout was promoted to; absent before, and with a single one. */
  winner: nameSchema.optional(),
  created_at: timeMsSchema,
  created_by: z.string(),
  started_at: timeMsSchema.nullable(),
  ended_at: timeMsSchema.nullable(),
  /** Why the rollout has its present status, in one sentence. */
  reason: z.string(),
  /** Why the conductor cannot look at it, in one sentence; absent when it can. */
  fault: z.string().optional(),
  /** The evidence behind the latest automatic change, by event id. */
  evidence_id: z.string().nullable(),
  /** After the end of the candidate's traffic: which live routers have applied it, and which could not be reached. */
  withdrawal: z
    .object({
      route: revisionSchema,
      since: timeMsSchema,
      applied: z.array(z.string()),
      unreached: z.array(z.string()),
      complete: z.boolean(),
    })
    .nullable(),
});
export type Rollout = z.infer<typeof rolloutSchema>;

export const terminalStatuses: ReadonlySet<RolloutStatus> = new Set(['promoted', 'rolledBack', 'aborted']);
/** Whether the rollout may send traffic to its candidate. */
export function isUnderWay(status: RolloutStatus): boolean {
  return status === 'running' || status === 'paused';
}

export const commandSchema = z.strictObject({
  command: z.enum(['start', 'promote', 'pause', 'resume', 'abort', 'rollBack', 'approve', 'withdraw']),
  /** With several candidates: the one to withdraw, or to promote at the end of the last step. */
  arm: nameSchema.optional(),
  /** Compare-and-set: the command is refused when the rollout's revision has changed. */
  revision: revisionSchema.optional(),
  reason: z.string().max(1000).default(''),
});
export type Command = z.infer<typeof commandSchema>;
