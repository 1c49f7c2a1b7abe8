import { z } from 'zod';
import { nameSchema, timeMsSchema } from '@slipway/core';
import { differenceKinds } from '@slipway/release';

/**
 * How one sampled request ended. `failed`: there is no answer to compare; `expired`: its deadline passed; `shed`: the
 * lane gave it up for live traffic.
 */
export const shadowResults = ['paired', 'failed', 'expired', 'shed'] as const;
export const shadowResultSchema = z.enum(shadowResults);
export type ShadowResult = z.infer<typeof shadowResultSchema>;

/**
 * One sampled request with control's answer, to be run on the candidate. One event a record, keyed by the request
 * id.
 */
export const shadowRequestSchema = z.object({
  event_id: z.string().min(1),
  request_id: z.string().min(1),
  traceparent: z.string().default(''),
  type: z.literal('slipway.shadow-request.v1'),
  source: z.string(),
  time: timeMsSchema,
  endpoint: nameSchema,
  rollout_id: z.uuid(),
  step: z.int().min(0),
  /** Whose request it is; empty when the request names none. The verdict takes each unit's first request. */
  unit: z.string().default(''),
  /** `model:version`. */
  control_version: z.string(),
  candidate_version: z.string(),
  /** Drawn for the noise leg: control answers the same request once more. */
  noise: z.boolean(),
  /** After so long from its arrival at Kafka nobody wants the answer any more. */
  deadline_ms: z.int().min(1),
  /** The bodies were too long to be sent along. */
  oversize: z.boolean().default(false),
  /** Microseconds: the router's whole latency and the model's own share of it, of control. */
  control_latency_us: z.int().nonnegative(),
  control_compute_us: z.int().nonnegative(),
  /** JSON, or a string that holds the body as it was. */
  request: z.unknown(),
  response: z.unknown(),
});
export type ShadowRequest = z.infer<typeof shadowRequestSchema>;

/**
 * Both answers to one request, or why there is none. Services that run both versions themselves publish these too: what
 * they do not know may be left out.
 */
export const shadowPairSchema = z.object({
  event_id: z.string().min(1),
  type: z.literal('slipway.shadow-pair.v1').default('slipway.shadow-pair.v1'),
  source: z.string().default('foreign'),
  time: timeMsSchema,
  request_id: z.string().min(1),
  endpoint: nameSchema,
  rollout_id: z.uuid(),
  step: z.int().min(0),
  /** Whose request it is; each pair without one speaks for itself. */
  unit: z.string().max(256).default(''),
  control_version: z.string().default(''),
  candidate_version: z.string().default(''),
  result: shadowResultSchema.default('paired'),
  /** Why it is not `paired`: `candidate_error`, `candidate_timeout`, `no_target`, `oversize`, `busy`, `deadline` … */
  reason: z.string().default(''),
  /** The three answers; the noise answer is control's second one. */
  control: z.unknown().default(null),
  candidate: z.unknown().default(null),
  noise: z.unknown().default(null),
  control_latency_us: z.int().nonnegative().default(0),
  control_compute_us: z.int().nonnegative().default(0),
  candidate_latency_us: z.int().nonnegative().default(0),
  candidate_compute_us: z.int().nonnegative().default(0),
  noise_compute_us: z.int().nonnegative().default(0),
  /** What the shadow cost, in the deployment's currency. */
  price: z.number().nonnegative().default(0),
});
export type ShadowPair = z.infer<typeof shadowPairSchema>;

/** How two answers differ in one place. */
export const differenceSchema = z.object({
  /** `class`, `probability`, `choices.0.text` … */
  field: z.string(),
  kind: z.enum(differenceKinds),
  control: z.string(),
  candidate: z.string(),
});
export type Difference = z.infer<typeof differenceSchema>;

/** How the answers to one sampled request differ: one line of `comparisons.v1`. Its id is the pair's. */
export const comparisonRowSchema = z.object({
  event_id: z.string().min(1),
  type: z.literal('slipway.comparison.v1'),
  source: z.string(),
  time: timeMsSchema,
  request_id: z.string(),
  trace_id: z.string(),
  endpoint: z.string(),
  rollout_id: z.string(),
  step: z.int(),
  unit: z.string(),
  control_version: z.string(),
  candidate_version: z.string(),
  result: shadowResultSchema,
  reason: z.string(),
  /** False also when the candidate failed where control answered. */
  agree: z.boolean(),
  /** Whether a noise answer was there, and whether control agreed with itself. */
  noise: z.boolean(),
  noise_agree: z.boolean(),
  differences: z.array(differenceSchema),
  /** Largest absolute difference of two numbers of the answers. */
  max_difference: z.number(),
  control_latency_us: z.int(),
  control_compute_us: z.int(),
  candidate_latency_us: z.int(),
  candidate_compute_us: z.int(),
  noise_compute_us: z.int(),
  price: z.number(),
});
export type ComparisonRow = z.infer<typeof comparisonRowSchema>;
