import type { z } from 'zod';

/**
 * The users of Kafka: `User:slipway-<principal>`. A `foreign-producer` (a service that serves models itself) may only
 * write rows; it may neither read nor write state and decisions (routes, rollouts, instances, access, evidence).
 */
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

/**
 * `state`: compacted, the whole current state by key; a record without a value means that the key was deleted.
 * `events`: one event a record. `rows`: many rows in a record, one a line.
 */
export type Carries = 'state' | 'events' | 'rows';

/** The declaration of a topic. */
export type Topic<S extends z.ZodType = z.ZodType, C extends Carries = Carries> = {
  readonly name: string;
  /** Schema of a record's JSON; for batched rows, of each line. */
  readonly schema: S;
  readonly carries: C;
  /** Description of a record's key; `null` for batched rows. */
  readonly key: C extends 'rows' ? null : string;
  readonly partitions: number;
  /** -1 is forever. */
  readonly retentionMs: number;
  readonly writers: readonly Principal[];
  readonly readers: readonly Principal[];
  readonly meaning: string;
  /** The key of the record that carries `value`. */
  keyOf(value: z.input<S>): C extends 'rows' ? null : string;
};

const DAY_MS = 86_400_000;

type Declared<S extends z.ZodType> = Pick<Topic<S>, 'name' | 'schema' | 'writers' | 'readers' | 'meaning'> & {
  /** Number of partitions; 1 by default, so that all records are in one order. */
  partitions?: number;
};
type Keyed<S extends z.ZodType> = Declared<S> & { key: string; keyOf(value: z.input<S>): string };
/** Days that a record is kept. */
type Kept = { days: number | 'forever' };

const daysMs = (days: Kept['days']) => (days === 'forever' ? -1 : days * DAY_MS);

/** A topic of the current state by key. */
export function stateTopic<S extends z.ZodType>(t: Keyed<S>): Topic<S, 'state'> {
  return { partitions: 1, ...t, carries: 'state', retentionMs: -1 };
}

/** A topic of events, one a record. */
export function eventTopic<S extends z.ZodType>({ days, ...t }: Keyed<S> & Kept): Topic<S, 'events'> {
  return { partitions: 1, ...t, carries: 'events', retentionMs: daysMs(days) };
}

/** A topic of rows, many in a record. */
export function rowTopic<S extends z.ZodType>({ days, ...t }: Declared<S> & Kept): Topic<S, 'rows'> {
  return { partitions: 1, ...t, carries: 'rows', key: null, keyOf: () => null, retentionMs: daysMs(days) };
}

/** The type that `publish` takes and readers accept: fields with a default may be left out. */
export type MessageOf<T extends Topic> = z.input<T['schema']>;
