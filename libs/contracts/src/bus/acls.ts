import { topics } from './topics.ts';

/** Who speaks to Kafka, each with a user of its own: `User:slipway-<principal>`. */
export const principals = [
  'migrate',
  'registry',
  'router',
  'worker',
  'analyser',
  'clickhouse',
  'foreign-producer',
] as const;
export type Principal = (typeof principals)[number];

export type Acl = {
  principal: Principal;
  operation: 'Read' | 'Write' | 'Create' | 'Describe';
  resource: 'topic' | 'group';
  /** Whether the names are whole names, or how they begin. */
  pattern: 'literal' | 'prefixed';
  names: readonly string[];
};

type Rights = {
  reads: readonly { name: string }[];
  writes: readonly { name: string }[];
  /** How the names of its consumer groups begin; those of state topics begin with the `INSTANCE_ID`. */
  groups: readonly string[];
};

const { deadLetters } = topics;
const rows = [topics.predictions, topics.outcomes, topics.shadowRequests, topics.shadowPairs, topics.comparisons];

const rights: Record<Exclude<Principal, 'migrate'>, Rights> = {
  registry: {
    reads: [topics.routes, topics.rollouts, topics.instances, topics.evidence, topics.audit],
    writes: [topics.routes, topics.rollouts, topics.instances, topics.access, topics.audit, deadLetters],
    groups: ['registry', 'slipway.registry', 'slipway.read.'],
  },
  router: {
    reads: [topics.routes, topics.access],
    writes: [
      topics.predictions,
      topics.outcomes,
      topics.shadowRequests,
      topics.shadowPairs,
      topics.instances,
      deadLetters,
    ],
    groups: ['router'],
  },
  worker: {
    reads: [topics.routes, topics.shadowRequests],
    writes: [topics.shadowPairs, topics.instances, deadLetters],
    groups: ['worker', 'slipway.shadow-lane'],
  },
  // experiment-stats, shadow-comparator and drift-monitor
  analyser: {
    reads: [topics.routes, topics.rollouts, topics.access, topics.shadowPairs],
    writes: [topics.evidence, topics.comparisons, topics.retraining, deadLetters],
    groups: ['stats', 'comparator', 'drift', 'slipway.shadow-comparator'],
  },
  clickhouse: {
    reads: [
      topics.predictions,
      topics.outcomes,
      topics.comparisons,
      topics.evidence,
      topics.audit,
      topics.retraining,
      deadLetters,
    ],
    writes: [],
    groups: ['clickhouse.'],
  },
  // Rows alone: what decides (routes, rollouts, instances, access, evidence) is not for it, neither to write nor read.
  'foreign-producer': { reads: [], writes: rows, groups: [] },
};

const names = (list: readonly { name: string }[]) => list.map((t) => t.name).sort();

function grant(principal: Principal, { reads, writes, groups }: Rights): Acl[] {
  const all: Acl[] = [
    { principal, operation: 'Read', resource: 'topic', pattern: 'literal', names: names(reads) },
    { principal, operation: 'Write', resource: 'topic', pattern: 'literal', names: names(writes) },
    { principal, operation: 'Read', resource: 'group', pattern: 'prefixed', names: groups },
  ];
  return all.filter((a) => a.names.length > 0);
}

/** Every right on Kafka, once; whatever is not here is refused. `deploy/kafka/acls.txt` is printed from this list. */
export const acls: readonly Acl[] = [
  { principal: 'migrate', operation: 'Create', resource: 'topic', pattern: 'prefixed', names: ['slipway.'] },
  { principal: 'migrate', operation: 'Describe', resource: 'topic', pattern: 'prefixed', names: ['slipway.'] },
  // experiment-stats looks whether ClickHouse is in its groups.
  { principal: 'analyser', operation: 'Describe', resource: 'group', pattern: 'prefixed', names: ['clickhouse.'] },
  ...Object.entries(rights).flatMap(([name, r]) => grant(name as Principal, r)),
];

/** One line for each entry: principal, operation, resource, pattern, names. */
export function printAcls(list: readonly Acl[] = acls): string {
  return list.map((a) => `${[a.principal, a.operation, a.resource, a.pattern, ...a.names].join(' ')}\n`).join('');
}
