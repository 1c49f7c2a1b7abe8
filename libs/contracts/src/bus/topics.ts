import { formatVersion } from '@slipway/core';
import { evidenceSchema, rolloutSchema } from '@slipway/release';
import { auditRowSchema } from '../audit/audit-row.ts';
import { instanceSchema } from '../instance/instance.ts';
import { accessKeySchema } from '../rest/access.ts';
import { loadSchema } from '../routing/load.ts';
import { referenceSchema } from '../routing/reference.ts';
import { routeSchema } from '../routing/route.ts';
import { deadLetterSchema } from '../rows/dead-letter.ts';
import { outcomeRowSchema } from '../rows/outcome.ts';
import { predictionRowSchema } from '../rows/prediction.ts';
import { retrainingSchema } from '../rows/retraining.ts';
import { comparisonRowSchema, shadowPairSchema, shadowRequestSchema } from '../rows/shadow.ts';
import { eventTopic, rowTopic, stateTopic, type Topic } from './topic.ts';

/**
 * Every topic: this list creates the topics, types and checks their messages, defines who may read and write them
 * (`acls.ts`) and documents them (`docs/topics.md`, `docs/asyncapi.yaml`).
 */
export const topics = {
  routes: stateTopic({
    name: 'slipway.routes.v1',
    schema: routeSchema,
    key: 'endpoint',
    keyOf: (route) => route.endpoint,
    writers: ['registry'],
    readers: ['registry', 'router', 'worker', 'analyser'],
    meaning: 'what a router needs to serve one endpoint',
  }),
  loads: stateTopic({
    name: 'slipway.loads.v1',
    schema: loadSchema,
    key: 'model:version',
    keyOf: formatVersion,
    writers: ['registry'],
    readers: ['registry', 'worker'],
    meaning: 'a version that workers keep loaded',
  }),
  profiles: stateTopic({
    name: 'slipway.profiles.v1',
    schema: referenceSchema,
    key: 'model:version',
    keyOf: formatVersion,
    writers: ['registry'],
    readers: ['registry', 'analyser'],
    meaning: 'the reference profile of a version',
  }),
  rollouts: stateTopic({
    name: 'slipway.rollouts.v1',
    schema: rolloutSchema,
    key: 'rollout id',
    keyOf: (rollout) => rollout.id,
    writers: ['registry'],
    readers: ['registry', 'analyser'],
    meaning: 'the whole state of one rollout',
  }),
  instances: stateTopic({
    name: 'slipway.instances.v1',
    schema: instanceSchema,
    key: 'instance id',
    keyOf: (instance) => instance.instance_id,
    writers: ['registry', 'router', 'worker'],
    readers: ['registry'],
    meaning: 'heartbeat of each router and worker',
  }),
  access: stateTopic({
    name: 'slipway.access.v1',
    schema: accessKeySchema,
    key: 'key id',
    keyOf: (key) => key.id,
    writers: ['registry'],
    readers: ['registry', 'router', 'worker', 'analyser'],
    meaning: 'digests of API keys with their roles, and which are revoked',
  }),
  predictions: rowTopic({
    name: 'slipway.predictions.v1',
    schema: predictionRowSchema,
    partitions: 4,
    days: 7,
    writers: ['router', 'foreign-producer'],
    readers: ['clickhouse'],
    meaning: 'served predictions',
  }),
  outcomes: rowTopic({
    name: 'slipway.outcomes.v1',
    schema: outcomeRowSchema,
    partitions: 4,
    days: 30,
    writers: ['router', 'foreign-producer'],
    readers: ['clickhouse'],
    meaning: 'business facts about a unit or a request',
  }),
  shadowRequests: eventTopic({
    name: 'slipway.shadow-requests.v1',
    schema: shadowRequestSchema,
    key: 'request id',
    keyOf: (request) => request.request_id,
    partitions: 4,
    days: 1,
    writers: ['router', 'foreign-producer'],
    readers: ['worker'],
    meaning: "a sampled request with control's answer and a deadline, to be run on the candidate",
  }),
  shadowPairs: eventTopic({
    name: 'slipway.shadow-pairs.v1',
    schema: shadowPairSchema,
    key: 'request id',
    keyOf: (pair) => pair.request_id,
    partitions: 4,
    days: 1,
    writers: ['router', 'worker', 'foreign-producer'],
    readers: ['analyser'],
    meaning: 'both answers to one request (and the noise answer), or why there is none',
  }),
  comparisons: rowTopic({
    name: 'slipway.comparisons.v1',
    schema: comparisonRowSchema,
    partitions: 4,
    days: 7,
    writers: ['analyser', 'foreign-producer'],
    readers: ['clickhouse'],
    meaning: 'how the answers to one request differ',
  }),
  evidence: eventTopic({
    name: 'slipway.evidence.v1',
    schema: evidenceSchema,
    key: 'rollout id',
    keyOf: (evidence) => evidence.rollout_id,
    partitions: 4,
    days: 30,
    writers: ['analyser'],
    readers: ['registry', 'clickhouse'],
    meaning: "one analyser's verdict with its numbers",
  }),
  audit: eventTopic({
    name: 'slipway.audit.v1',
    schema: auditRowSchema,
    key: 'aggregate',
    keyOf: (row) => row.aggregate,
    partitions: 4,
    days: 'forever',
    writers: ['registry'],
    readers: ['registry', 'clickhouse'],
    meaning: 'every change of state, hash-chained per aggregate and signed',
  }),
  retraining: eventTopic({
    name: 'slipway.retraining.v1',
    schema: retrainingSchema,
    key: 'model',
    keyOf: (event) => event.model,
    days: 30,
    writers: ['analyser'],
    readers: ['clickhouse'],
    meaning: 'a model should be retrained: why, on which data',
  }),
  deadLetters: eventTopic({
    name: 'slipway.dead-letters.v1',
    schema: deadLetterSchema,
    key: 'source topic',
    keyOf: (letter) => letter.topic,
    days: 30,
    writers: ['registry', 'router', 'worker', 'analyser'],
    readers: ['clickhouse'],
    meaning: 'a record that a consumer could not use, with the reason',
  }),
} as const;

/** The topics as a list. */
export const topicList: readonly Topic[] = Object.values(topics);

/** @throws Error when no topic has that name */
export function topicNamed(name: string): Topic {
  const found = topicList.find((t) => t.name === name);
  if (!found) throw new Error(`there is no topic ${name}`);
  return found;
}

/** A record is cut below this many bytes; the broker's own limit is 1 MB. */
export const MAX_RECORD_BYTES = 900_000;
