import { z } from 'zod';
import { type Principal, principals, type Topic } from './topic.ts';
import { topics } from './topics.ts';
import { keptFor } from './topics-page.ts';

/** The version of Kafka's bindings for AsyncAPI. */
const KAFKA = '0.5.0';

const ABOUT =
  'Messages between the services of Slipway over Kafka. Each operation is named after the Kafka user that may ' +
  'do it; `analyser` is experiment-stats, shadow-comparator and drift-monitor, and a `foreignProducer` is a service ' +
  'that serves models itself. A deployment may put its environment before the name of every topic ' +
  '(`staging.slipway.routes.v1`).';

const camel = (name: string) => name.replace(/-(\w)/g, (_, c: string) => c.toUpperCase());
const titled = (name: string) => camel(name).replace(/^./, (c) => c.toUpperCase());

/** A schema in the form that AsyncAPI takes, a superset of JSON Schema draft 7: what a writer has to send. */
function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  }) as Record<string, unknown>;
  return rest;
}

const CARRIES: Record<Topic['carries'], string> = {
  state: 'The whole current state of its key; a record without a value means that the key was deleted.',
  events: 'One event a record.',
  rows: 'A record holds many rows, each on a line of its own; the schema is that of one row.',
};

function message(t: Topic): object {
  return {
    title: t.meaning,
    summary: CARRIES[t.carries],
    contentType: t.carries === 'rows' ? 'application/x-ndjson' : 'application/json',
    ...(t.carries === 'events'
      ? {
          headers: {
            type: 'object',
            properties: { traceparent: { type: 'string', description: 'the trace of the event (W3C Trace Context)' } },
          },
        }
      : {}),
    payload: schemaOf(t.schema),
    ...(t.key === null
      ? {}
      : { bindings: { kafka: { key: { type: 'string', description: t.key }, bindingVersion: KAFKA } } }),
  };
}

function channel(id: string, t: Topic): object {
  const keeps =
    t.carries === 'state'
      ? { 'cleanup.policy': ['compact'] }
      : { 'cleanup.policy': ['delete'], 'retention.ms': t.retentionMs };
  return {
    address: t.name,
    title: t.name,
    description: `${t.meaning}. Key: ${t.key ?? 'none'}. Kept: ${keptFor(t)}.`,
    messages: { [id]: { $ref: `#/components/messages/${id}` } },
    bindings: {
      kafka: { topic: t.name, partitions: t.partitions, topicConfiguration: keeps, bindingVersion: KAFKA },
    },
  };
}

/** What each principal may do with each topic. */
function operations(list: readonly [string, Topic][]): Record<string, object> {
  const all: Record<string, object> = {};
  const add = (p: Principal, action: 'send' | 'receive', id: string, t: Topic) => {
    all[`${camel(p)}${action === 'send' ? 'Writes' : 'Reads'}${titled(id)}`] = {
      action,
      channel: { $ref: `#/channels/${id}` },
      summary: `${p} ${action === 'send' ? 'writes' : 'reads'} ${t.name}`,
      tags: [{ name: p }],
      messages: [{ $ref: `#/channels/${id}/messages/${id}` }],
    };
  };
  for (const p of principals)
    for (const [id, t] of list) {
      if (t.writers.includes(p)) add(p, 'send', id, t);
      if (t.readers.includes(p)) add(p, 'receive', id, t);
    }
  return all;
}

/** The AsyncAPI 3.0 document of all topics, made from the declarations that type producers and consumers. */
export function asyncApiDocument(version: string): object {
  const list: [string, Topic][] = Object.entries(topics);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Slipway',
      version,
      description: ABOUT,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(list.map(([id, t]) => [id, channel(id, t)])),
    operations: operations(list),
    components: { messages: Object.fromEntries(list.map(([id, t]) => [id, { name: id, ...message(t) }])) },
  };
}
