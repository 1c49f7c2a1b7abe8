import { z } from 'zod';
import { armSchema, timeMsSchema } from '@slipway/core';

/**
 * Why a request went to its arm. `randomised` and `ejected` are exposures. `ejected`: every target of the candidate was
 * ejected; a request of either arm is no event then.
 */
export const assignmentReasons = ['randomised', 'forced', 'rule', 'no_unit', 'lease_expired', 'ejected'] as const;
export const assignmentReasonSchema = z.enum(assignmentReasons);
export type AssignmentReason = z.infer<typeof assignmentReasonSchema>;

/** One served prediction, one line of `predictions.v1`. */
export const predictionRowSchema = z.object({
  event_id: z.string().min(1),
  type: z.literal('slipway.prediction.v1'),
  source: z.string(),
  time: timeMsSchema,
  request_id: z.string().min(1),
  endpoint: z.string().min(1),
  /** Empty when no rollout was under way. */
  rollout_id: z.string(),
  /** -1 when no rollout was under way. */
  step: z.int().min(-1),
  route_revision: z.string(),
  unit: z.string(),
  assigned_arm: armSchema,
  /** Probability of the assigned arm at that revision. */
  probability: z.number().min(0).max(1),
  reason: assignmentReasonSchema,
  /** `model:version`; empty when nothing answered. */
  served_version: z.string(),
  /** `model:version` that should have answered; empty without a fallback. */
  fallback_from: z.string(),
  status: z.int(),
  error_code: z.string(),
  latency_us: z.int().nonnegative(),
  /**
   * From the request's start until either arm would have told alike that it fails: what its own arm took, or the whole
   * deadline where that was longer than a candidate is waited for. `latency_us` where it is missing or 0.
   */
  settled_us: z.int().nonnegative().optional(),
  queue_us: z.int().nonnegative(),
  compute_us: z.int().nonnegative(),
  batch_size: z.int().nonnegative(),
  price: z.number(),
  /** The bodies as JSON; a string when a body is not JSON; `{digest, bytes, head}` when it is over 256 KB. */
  request: z.unknown(),
  response: z.unknown(),
  /** The rollout and step whose shadow sampled this request; empty and -1 otherwise. */
  shadow_rollout_id: z.string().default(''),
  shadow_step: z.int().min(-1).default(-1),
  /** W3C trace id; empty when unknown. */
  trace_id: z.string().default(''),
  router: z.string(),
  boot: z.string(),
  /** Counts every answered request of a (router, boot), logged or not, so that gaps can be counted. */
  sequence: z.int().nonnegative(),
});
export type PredictionRow = z.infer<typeof predictionRowSchema>;
