import { type Principal, principals } from './topic.ts';
import { topicList } from './topics.ts';

export type Acl = {
  principal: Principal;
  operation: 'Read' | 'Write' | 'Create' | 'Describe';
  resource: 'topic' | 'group';
  /** Whether the entry matches whole names or prefixes. */
  pattern: 'literal' | 'prefixed';
  names: readonly string[];
};

/** Prefixes of its consumer groups; groups for state topics begin with the `INSTANCE_ID`. */
const groups: Partial<Record<Principal, readonly string[]>> = {
  registry: ['registry', 'slipway.registry', 'slipway.read.'],
  router: ['router'],
  worker: ['worker', 'slipway.shadow-lane'],
  // experiment-stats, shadow-comparator and drift-monitor
  analyser: ['stats', 'comparator', 'drift', 'slipway.shadow-comparator'],
  clickhouse: ['clickhouse.'],
};

const topicsWith = (side: 'readers' | 'writers', principal: Principal) =>
  topicList
    .filter((t) => t[side].includes(principal))
    .map((t) => t.name)
    .sort();

/**
 * The rights that follow from the topics' declarations: only the declared writers and readers of a topic have access.
 */
function grant(principal: Principal): Acl[] {
  const all: Acl[] = [
    { principal, operation: 'Read', resource: 'topic', pattern: 'literal', names: topicsWith('readers', principal) },
    { principal, operation: 'Write', resource: 'topic', pattern: 'literal', names: topicsWith('writers', principal) },
    { principal, operation: 'Read', resource: 'group', pattern: 'prefixed', names: groups[principal] ?? [] },
  ];
  return all.filter((a) => a.names.length > 0);
}

/**
 * Every right on Kafka; anything that is not listed is refused. `deploy/kafka/acls.txt` is generated from this list.
 */
export const acls: readonly Acl[] = [
  { principal: 'migrate', operation: 'Create', resource: 'topic', pattern: 'prefixed', names: ['slipway.'] },
  { principal: 'migrate', operation: 'Describe', resource: 'topic', pattern: 'prefixed', names: ['slipway.'] },
  // experiment-stats checks whether ClickHouse is a member of its groups.
  { principal: 'analyser', operation: 'Describe', resource: 'group', pattern: 'prefixed', names: ['clickhouse.'] },
  ...principals.flatMap(grant),
];

/** One line for each entry: principal, operation, resource, pattern, names. */
export function printAcls(list: readonly Acl[] = acls): string {
  return list.map((a) => `${[a.principal, a.operation, a.resource, a.pattern, ...a.names].join(' ')}\n`).join('');
}
