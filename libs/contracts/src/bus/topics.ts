import type { z } from 'zod';
import { auditRowSchema } from '../audit/audit.ts';
import { evidenceSchema } from '../evidence/evidence.ts';
import { instanceSchema } from '../instance/instance.ts';
import { rolloutSchema } from '../rollout/rollout.ts';
import { routeSchema } from '../routing/route.ts';
import { deadLetterSchema } from '../rows/dead-letter.ts';
import { outcomeRowSchema } from '../rows/outcome.ts';
import { predictionRowSchema } from '../rows/prediction.ts';

const DAY_MS = 86_400_000;

export type Topic<S extends z.ZodType = z.ZodType> = {
  readonly name: string;
  readonly schema: S;
  /** What a record's key is; `null` for batched rows. */
  readonly key: string | null;
  readonly partitions: number;
  /** `state`: compacted, the whole current state by key. `rows`: many newline-separated rows in a record. `events`: one event a record. */
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
  routes: topic({ name: 'slipway.routes.v1', schema: routeSchema, key: 'endpoint', partitions: 1, carries: 'state', retentionMs: -1, meaning: 'the whole route of one endpoint' }),
  rollouts: topic({ name: 'slipway.rollouts.v1', schema: rolloutSchema, key: 'rollout id', partitions: 1, carries: 'state', retentionMs: -1, meaning: 'the whole state of one rollout' }),
  instances: topic({ name: 'slipway.instances.v1', schema: instanceSchema, key: 'instance id', partitions: 1, carries: 'state', retentionMs: -1, meaning: 'heartbeat of each router and worker' }),
  predictions: topic({ name: 'slipway.predictions.v1', schema: predictionRowSchema, key: null, partitions: 4, carries: 'rows', retentionMs: 7 * DAY_MS, meaning: 'served predictions' }),
  outcomes: topic({ name: 'slipway.outcomes.v1', schema: outcomeRowSchema, key: null, partitions: 4, carries: 'rows', retentionMs: 30 * DAY_MS, meaning: 'business facts about a unit or a request' }),
  evidence: topic({ name: 'slipway.evidence.v1', schema: evidenceSchema, key: 'rollout id', partitions: 4, carries: 'events', retentionMs: 30 * DAY_MS, meaning: "one analyser's verdict with its numbers" }),
  audit: topic({ name: 'slipway.audit.v1', schema: auditRowSchema, key: 'aggregate', partitions: 4, carries: 'events', retentionMs: -1, meaning: 'every change of state, hash-chained per aggregate' }),
  deadLetters: topic({ name: 'slipway.dead-letters.v1', schema: deadLetterSchema, key: 'source topic', partitions: 1, carries: 'events', retentionMs: 30 * DAY_MS, meaning: 'what a consumer could not use, and why' }),
} as const;

/** A record is cut below this many bytes; the broker's own limit is 1 MB. */
export const MAX_RECORD_BYTES = 900_000;
