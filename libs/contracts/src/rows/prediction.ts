import { z } from 'zod';
import { DEFAULT_PROTOCOL, timeMsSchema } from '@slipway/core';
import { defineRow } from './define-row.ts';
import { asJson, count, EVENT_ID, LOW, required, SOURCE, stepOf, text, TRACE_ID } from './kinds.ts';

/**
 * Why a request went to its arm. `randomised` and `ejected` are exposures. `ejected`: every target of a candidate was
 * ejected; a request of any arm is no event then. `withdrawn`: its unit's candidate was withdrawn, so control had it.
 */
export const assignmentReasons = [
  'randomised',
  'forced',
  'rule',
  'no_unit',
  'lease_expired',
  'ejected',
  'withdrawn',
] as const;
export const assignmentReasonSchema = z.enum(assignmentReasons);
export type AssignmentReason = z.infer<typeof assignmentReasonSchema>;

const KEPT_30_DAYS = 'CODEC(ZSTD(1)) TTL toDateTime(time) + INTERVAL 30 DAY';

/** One served prediction, one line of `predictions.v1`. */
export const predictionRow = defineRow({
  type: 'slipway.prediction.v1',
  table: 'predictions',
  comment: 'Served predictions, one row a request, from predictions.v1; kept 400 days, bodies 30',
  fields: {
    event_id: { schema: required, ...EVENT_ID },
    time: {
      schema: timeMsSchema,
      column: 'DateTime64(3)',
      withinDays: 35,
      comment: "the router's clock, part of the row's identity: a repeat has the same",
    },
    source: { schema: text, ...SOURCE },
    request_id: {
      schema: required,
      column: 'String',
      comment: "the caller's X-Request-Id or id; made by the router where there was none",
    },
    endpoint: { schema: required, column: LOW, comment: 'the name that the caller asked' },
    protocol: {
      schema: z.string().default(DEFAULT_PROTOCOL),
      column: LOW,
      comment: 'how the caller spoke: oip is the Open Inference Protocol over HTTP',
    },
    branch: {
      schema: z.string().default('main'),
      decides: true,
      column: LOW,
      comment: "the endpoint's branch that took the request; main where it has no rules",
    },
    rollout_id: { schema: text, decides: true, column: LOW, comment: 'empty when no rollout was under way' },
    step: {
      schema: z.int().min(-1).default(-1),
      decides: true,
      ...stepOf('rollout_id', 'step'),
      comment: "the rollout's step, from 0; -1 when no rollout was under way",
    },
    route_revision: { schema: text, column: LOW, comment: 'the route that was applied, as epoch.n' },
    unit: {
      schema: text,
      decides: true,
      column: 'String',
      comment: 'what is randomised (user, session, request); empty when the request names none',
    },
    assigned_arm: {
      schema: required,
      column: LOW,
      known: { always: ['control'], within: 'rollout_id', among: 'SELECT rollout_id, arm FROM slipway.arms' },
      comment: 'control, or the name of a candidate: analyses go by it, no matter which arm answered',
    },
    probability: {
      schema: z.number().min(0).max(1),
      column: 'Float64',
      comment: 'of the assigned arm at that revision',
    },
    reason: {
      schema: required,
      column: LOW,
      known: assignmentReasons,
      comment: 'why it went to its arm; "randomised" and "ejected" are exposures',
    },
    served_version: {
      schema: text,
      decides: true,
      column: LOW,
      comment: 'model:version that answered; empty when nothing did',
    },
    fallback_from: {
      schema: text,
      decides: true,
      column: LOW,
      comment: 'model:version that should have answered; empty without a fallback',
    },
    status: {
      // No enumeration: which answers failed is told by comparing it, and what a service means by 0 nobody knows.
      schema: z.int().min(100).max(599),
      column: 'UInt16',
      comment: 'HTTP status of the answer',
    },
    error_code: { schema: text, decides: true, column: LOW, comment: 'what went wrong; empty when nothing did' },
    latency_us: {
      schema: count,
      decides: true,
      column: 'UInt64',
      comment: 'from the arrival of the whole request at the router to its answer, in microseconds',
    },
    // From the request's start until either arm would have told alike that it fails: what its own arm took, or the
    // whole deadline where that was longer than a candidate is waited for.
    settled_us: {
      schema: count,
      decides: true,
      column: 'UInt64',
      value: 'if(fields.settled_us = 0, fields.latency_us, fields.settled_us)',
      comment:
        "its own arm's attempts, in microseconds; the deadline, where a candidate would have been given up; " +
        'latency_us where nobody says',
    },
    queue_us: {
      schema: count,
      column: 'UInt64',
      comment: 'waiting for a batch in the worker, in microseconds; 0 when the server does not say',
    },
    compute_us: {
      schema: count,
      column: 'UInt64',
      comment: 'computing in the worker, in microseconds; 0 when the server does not say',
    },
    batch_size: {
      schema: count,
      column: 'UInt32',
      comment: 'requests that the worker computed together; 0 when the server does not say',
    },
    cost: {
      schema: z.number().default(0),
      column: 'Float64',
      comment: 'what the answer cost: the price of a request, as the bundle of the version that answered declares it',
    },
    outputs: {
      schema: z.record(z.string(), z.string()).default({}),
      decides: true,
      column: 'Map(LowCardinality(String), String)',
      comment: 'every output of the answer by name: a single element plain, several as JSON, of many the first ones',
    },
    features: {
      schema: z.record(z.string(), z.array(z.number().nullable())).default({}),
      column: 'Map(LowCardinality(String), Array(Float32))',
      json: 'Map(String, Array(Nullable(Float32)))',
      value: 'mapApply((k, v) -> (k, arrayMap(x -> ifNull(x, nan), v)), fields.features)',
      comment:
        'what drift compares, of the first instance: input.x has the elements of that tensor, input.text.words what ' +
        'is measured of a text (code: the text itself, as a hash); NaN where an element has no value',
    },
    request: {
      schema: z.unknown(),
      ...asJson('request'),
      storage: KEPT_30_DAYS,
      comment: 'the body as JSON; a string when it is none; {digest, bytes, head} when it is over 256 KB; kept 30 days',
    },
    response: {
      schema: z.unknown(),
      ...asJson('response'),
      storage: KEPT_30_DAYS,
      comment: "the answer's body, as request",
    },
    shadow_rollout_id: {
      schema: text,
      decides: true,
      column: LOW,
      comment: 'the rollout whose shadow sampled this request; empty when none did',
    },
    shadow_step: {
      schema: z.int().min(-1).default(-1),
      decides: true,
      ...stepOf('shadow_rollout_id', 'shadow_step'),
      comment: 'the step of that rollout, from 0; -1 when no shadow sampled it',
    },
    trace_id: { schema: text, ...TRACE_ID },
    router: { schema: text, decides: true, column: LOW, comment: 'the router that answered' },
    boot: { schema: text, decides: true, column: LOW, comment: "that router's run: another one after each start" },
    sequence: {
      schema: count,
      decides: true,
      column: 'UInt64',
      comment: 'counts every request that this run of this router answered, from 0; a gap is a missing row',
    },
  },
});
export const predictionRowSchema = predictionRow.schema;
export type PredictionRow = z.infer<typeof predictionRowSchema>;
