import type { z } from 'zod';
import { auditRowSchema } from '../audit/audit.ts';
import { evidenceSchema } from '@slipway/release';
import { accessKeySchema } from '../rest/access.ts';
import { instanceSchema } from '../instance/instance.ts';
import { rolloutSchema } from '@slipway/release';
import { routeSchema } from '../routing/route.ts';
import { deadLetterSchema } from '../rows/dead-letter.ts';
import { outcomeRowSchema } from '../rows/outcome.ts';
import { predictionRowSchema } from '../rows/prediction.ts';
import { retrainingSchema } from '../rows/retraining.ts';
import { comparisonRowSchema, shadowPairSchema, shadowRequestSchema } from '../rows/shadow.ts';

const DAY_MS = 86_400_000;

export type Topic<S extends z.ZodType = z.ZodType> = {
  readonly name: string;
  readonly schema: S;
  /** What a record's key is; `null` for batched rows. */
  readonly key: string | null;
  readonly partitions: number;
  /**
   * `state`: compacted, the whole current state by key. `rows`: many newline-separated rows in a record. `events`: one
   * event a record.
   */
  readonly carries: 'state' | 'rows' | 'events';
  /** -1 is forever. */
  readonly retentionMs: number;
  readonly meaning: string;
};

function topic<S extends z.ZodType>(t: Topic<S>): Topic<S> {
  return t;
}

/** Every topic, once: this list creates them, checks what is on them and documents them. */
export const topics = {
  routes: topic({
    name: 'slipway.routes.v1',
    schema: routeSchema,
    key: 'endpoint',
    partitions: 1,
    carries: 'state',
    retentionMs: -1,
    meaning: 'the whole route of one endpoint',
  }),
  rollouts: topic({
    name: 'slipway.rollouts.v1',
    schema: rolloutSchema,
    key: 'rollout id',
    partitions: 1,
    carries: 'state',
    retentionMs: -1,
    meaning: 'the whole state of one rollout',
  }),
  instances: topic({
    name: 'slipway.instances.v1',
    schema: instanceSchema,
    key: 'instance id',
    partitions: 1,
    carries: 'state',
    retentionMs: -1,
    meaning: 'heartbeat of each router and worker',
  }),
  access: topic({
    name: 'slipway.access.v1',
    schema: accessKeySchema,
    key: 'key id',
    partitions: 1,
    carries: 'state',
    retentionMs: -1,
    meaning: 'digests of API keys with their roles, and which are revoked',
  }),
  predictions: topic({
    name: 'slipway.predictions.v1',
    schema: predictionRowSchema,
    key: null,
    partitions: 4,
    carries: 'rows',
    retentionMs: 7 * DAY_MS,
    meaning: 'served predictions',
  }),
  outcomes: topic({
    name: 'slipway.outcomes.v1',
    schema: outcomeRowSchema,
    key: null,
    partitions: 4,
    carries: 'rows',
    retentionMs: 30 * DAY_MS,
    meaning: 'business facts about a unit or a request',
  }),
  shadowRequests: topic({
    name: 'slipway.shadow-requests.v1',
    schema: shadowRequestSchema,
    key: 'request id',
    partitions: 4,
    carries: 'events',
    retentionMs: DAY_MS,
    meaning: "a sampled request with control's answer and a deadline, to be run on the candidate",
  }),
  shadowPairs: topic({
    name: 'slipway.shadow-pairs.v1',
    schema: shadowPairSchema,
    key: 'request id',
    partitions: 4,
    carries: 'events',
    retentionMs: DAY_MS,
    meaning: 'both answers to one request, or why there is none',
  }),
  comparisons: topic({
    name: 'slipway.comparisons.v1',
    schema: comparisonRowSchema,
    key: null,
    partitions: 4,
    carries: 'rows',
    retentionMs: 7 * DAY_MS,
    meaning: 'how the answers to one request differ',
  }),
  evidence: topic({
    name: 'slipway.evidence.v1',
    schema: evidenceSchema,
    key: 'rollout id',
    partitions: 4,
    carries: 'events',
    retentionMs: 30 * DAY_MS,
    meaning: "one analyser's verdict with its numbers",
  }),
  audit: topic({
    name: 'slipway.audit.v1',
    schema: auditRowSchema,
    key: 'aggregate',
    partitions: 4,
    carries: 'events',
    retentionMs: -1,
    meaning: 'every change of state, hash-chained per aggregate',
  }),
  retraining: topic({
    name: 'slipway.retraining.v1',
    schema: retrainingSchema,
    key: 'model',
    partitions: 1,
    carries: 'events',
    retentionMs: 30 * DAY_MS,
    meaning: 'a model should be retrained: why, on which data',
  }),
  deadLetters: topic({
    name: 'slipway.dead-letters.v1',
    schema: deadLetterSchema,
    key: 'source topic',
    partitions: 1,
    carries: 'events',
    retentionMs: 30 * DAY_MS,
    meaning: 'what a consumer could not use, and why',
  }),
} as const;

/** A record is cut below this many bytes; the broker's own limit is 1 MB. */
export const MAX_RECORD_BYTES = 900_000;
