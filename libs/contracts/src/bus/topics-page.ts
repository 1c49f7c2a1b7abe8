import { markdownTable } from './markdown-table.ts';
import type { Principal, Topic } from './topic.ts';
import { topicList } from './topics.ts';

const DAY_MS = 86_400_000;

/** Retention, for the documentation. */
export function keptFor(t: Topic): string {
  if (t.carries === 'state') return 'compacted';
  if (t.retentionMs < 0) return 'forever';
  const days = t.retentionMs / DAY_MS;
  return days === 1 ? '1 day' : `${days} days`;
}

const who = (list: readonly Principal[]) => list.join(', ');

const INTRODUCTION = `# Topics

<!-- Made by \`npm run docs\` from libs/contracts/src/bus/topics.ts; a unit test fails when it is out of date. -->

Services exchange state and events over these Kafka topics. Each is declared once, in
\`libs/contracts/src/bus/topics.ts\`: name, schema, key, partitions, retention, writers and readers. The declaration
creates the topic, types \`publish\` and \`@Consume\`, and generates the rights in \`deploy/kafka/acls.txt\`, this
page and [asyncapi.yaml](asyncapi.yaml), which has the schema of every message.

- A **compacted** topic carries state: a record is the whole current state of its key, never a change to it. A record
  without a value means that the key was deleted.
- A topic **without a key** carries rows, as many lines in a record as fit into 900 KB. All others carry one JSON
  document a record.
- Events and rows may also be CloudEvents 1.0, binary or structured. The header \`traceparent\` gives the trace that
  an event belongs to.
- Times of arrival are the broker's (\`LogAppendTime\`).
- A deployment may put a prefix before every name, \`staging.slipway.routes.v1\`, so that several can share a cluster
  (\`TOPIC_PREFIX\`, [deployment](deployment.md#two-deployments-on-one-cluster-of-kafka)).
- Writers and readers are the users of Kafka: \`analyser\` is experiment-stats, shadow-comparator and drift-monitor,
  and a \`foreign-producer\` is a service that serves models itself. A consumer writes records that it cannot use to
  \`slipway.dead-letters.v1\`.
`;

/** The content of `docs/topics.md`. */
export function topicsPage(): string {
  const head = ['topic', 'key', 'kept', 'partitions', 'written by', 'read by', 'meaning'];
  const rows = topicList.map((t) => [
    `\`${t.name}\``,
    t.key ?? 'none',
    keptFor(t),
    String(t.partitions),
    who(t.writers),
    who(t.readers),
    t.meaning,
  ]);
  return `${INTRODUCTION}\n${markdownTable([head, ...rows])}`;
}
