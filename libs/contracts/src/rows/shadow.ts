import { z } from 'zod';
import { DEFAULT_PROTOCOL, nameSchema, timeMsSchema } from '@slipway/core';
import { differenceKinds } from '@slipway/release';
import { defineRow, defineUntabled } from './define-row.ts';
import { count, LOW, required, SOURCE, text, TRACE_ID } from './kinds.ts';

/**
 * How one sampled request ended. `failed`: there is no answer to compare; `expired`: its deadline passed; `shed`: the
 * lane gave it up for live traffic.
 */
export const shadowResults = ['paired', 'failed', 'expired', 'shed'] as const;
export const shadowResultSchema = z.enum(shadowResults);

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
  /** The protocol that the bodies speak. */
  protocol: z.string().default(DEFAULT_PROTOCOL),
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
export const shadowRequestEvent = defineUntabled(
  shadowRequestSchema,
  'the prediction has request and answer; what became of the shadow is in its comparison',
);

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
  /** The protocol that the answers speak; empty when nobody says, and whichever fits is taken. */
  protocol: z.string().default(''),
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
export const shadowPairEvent = defineUntabled(
  shadowPairSchema,
  'its comparison has what differs, and how it ended where there was nothing to compare',
);

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
export const comparisonRow = defineRow({
  type: 'slipway.comparison.v1',
  table: 'comparisons',
  comment: 'How the answers to a sampled request differ, or why there is no pair, from comparisons.v1; kept 400 days',
  fields: {
    event_id: {
      schema: required,
      column: 'String',
      comment: "the shadow pair's: a pair that was compared twice is one row",
    },
    time: {
      schema: timeMsSchema,
      column: 'DateTime64(3)',
      withinDays: 35,
      comment: "the comparator's clock; for display",
    },
    source: { schema: text, ...SOURCE },
    request_id: { schema: required, column: 'String', comment: 'the sampled request' },
    trace_id: { schema: text, ...TRACE_ID },
    endpoint: { schema: required, column: LOW, comment: 'the endpoint that was asked' },
    rollout_id: { schema: required, column: LOW, comment: 'the rollout whose shadow sampled it' },
    step: { schema: z.int().default(0), decides: true, column: 'Int16', comment: 'the step of that rollout, from 0' },
    unit: {
      schema: text,
      decides: true,
      column: 'String',
      comment: 'whose request it is (user, session); empty when the request names none',
    },
    control_version: { schema: text, column: LOW, comment: 'model:version that served the request' },
    candidate_version: { schema: text, column: LOW, comment: 'model:version that was asked in the shadow' },
    result: { schema: required, column: LOW, known: shadowResults, comment: 'paired, failed, expired or shed' },
    reason: { schema: text, column: LOW, comment: 'why there is no pair; empty when there is one' },
    agree: {
      schema: z.boolean(),
      column: 'Bool',
      comment: 'false also when the candidate failed where the control answered',
    },
    noise: {
      schema: z.boolean().default(false),
      decides: true,
      column: 'Bool',
      comment: 'the control was asked once more',
    },
    noise_agree: {
      schema: z.boolean().default(false),
      decides: true,
      column: 'Bool',
      comment: 'the control agreed with itself when it was asked once more',
    },
    differences: {
      schema: z.array(differenceSchema).default([]),
      column: 'Array(Tuple(field String, kind String, control String, candidate String))',
      comment: 'each place in which the answers differ, with both values as text',
    },
    max_difference: {
      schema: z.number().default(0),
      column: 'Float64',
      comment: 'the largest absolute difference of two numbers of the answers',
    },
    control_latency_us: {
      schema: count,
      column: 'UInt64',
      comment: "the control's answer, in microseconds, as its caller waited",
    },
    control_compute_us: { schema: count, column: 'UInt64', comment: 'computing of the control, in microseconds' },
    candidate_latency_us: {
      schema: count,
      column: 'UInt64',
      comment: "the candidate's answer, in microseconds, as the shadow lane waited",
    },
    candidate_compute_us: {
      schema: count,
      decides: true,
      column: 'UInt64',
      comment: 'computing of the candidate, in microseconds',
    },
    noise_compute_us: {
      schema: count,
      decides: true,
      column: 'UInt64',
      comment: "computing of the control's second answer, in microseconds",
    },
    price: {
      schema: z.number().default(0),
      decides: true,
      column: 'Float64',
      comment: 'what the shadow cost for this request, as the bundles declare it',
    },
  },
});
export const comparisonRowSchema = comparisonRow.schema;
export type ComparisonRow = z.infer<typeof comparisonRowSchema>;
