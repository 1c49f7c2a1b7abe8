import { z } from 'zod';
import { nameSchema, timeMsSchema, versionRefSchema } from '@slipway/core';
import { rolloutStatusSchema } from '@slipway/release';

/** What a person did to a rollout. */
const commandSaidSchema = z.object({
  actor: z.string(),
  role: z.string(),
  action: z.string(),
  reason: z.string(),
  time: timeMsSchema,
});

/** Which version served a request and why, from the recorded history. */
export const explanationSchema = z.object({
  request_id: z.string(),
  endpoint: z.string(),
  time: timeMsSchema,
  version: z.string(),
  arm: z.string(),
  probability: z.number().min(0).max(1),
  reason: z.string(),
  route_revision: z.string(),
  unit: z.string(),
  status: z.int(),
  error_code: z.string(),
  fallback_from: z.string(),
  latency_us: z.int().nonnegative(),
  /** The router, or the source of an event from another service. */
  served_by: z.string(),
  trace_id: z.string(),
  /** The rollout whose shadow step sampled the request. */
  shadowed_by: z.string().nullable(),
  rollout: z
    .object({
      id: z.uuid(),
      /** Null after its promotion. */
      step: z.int().nullable(),
      candidates: z.array(versionRefSchema.extend({ name: nameSchema })),
      control: versionRefSchema,
      status_now: rolloutStatusSchema,
    })
    .nullable(),
  /** Outside a rollout: how the version came to serve. */
  placed_by: z
    .object({ action: z.string(), by: z.string(), version: z.string(), reason: z.string(), time: timeMsSchema })
    .nullable(),
  approved_by: z.array(commandSaidSchema),
  /** Everything that people did to the rollout until then. */
  commands: z.array(commandSaidSchema),
  /**
   * The evidence that let the rollout enter the step of the request, or that led to its promotion; null in the first
   * step, or when a person promoted it.
   */
  evidence: z.object({ event_id: z.string(), sentence: z.string(), time: timeMsSchema }).nullable(),
  sentence: z.string(),
});
export type Explanation = z.infer<typeof explanationSchema>;
