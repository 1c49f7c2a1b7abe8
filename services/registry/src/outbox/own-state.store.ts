import { type AccessKey, type MessageOf, type Topic, topics } from '@slipway/contracts';
import type { Message } from '@slipway/platform';
import type { z } from 'zod';
import type { Sql } from '../database/database.store.ts';

type StateTopic<S extends z.ZodType = z.ZodType> = Topic<S, 'state'>;

/** Where the registry numbers the revisions of a topic's states. Names and conditions are SQL. */
export type StateTable = {
  name: string;
  /** The key of a row, as text. */
  key: string;
  /** Whether `doc` is the state of the key; it is no more where not, and `doc` has its last revision. */
  present: string;
};

/** What the registry keeps on one state topic, and reads from Postgres at the time of sending. */
export type OwnState = {
  topic: StateTopic;
  table: StateTable | undefined;
  /** SQL: the keys (`key`) that are published again at every start. */
  current: string;
  /** The state of one key as its message; a tombstone when it is no more. */
  message: (sql: Sql, key: string) => Promise<Message<StateTopic>>;
};

function own<S extends z.ZodType>(
  topic: StateTopic<S>,
  { table, current }: Pick<OwnState, 'table' | 'current'>,
  read: (sql: Sql, key: string) => Promise<MessageOf<StateTopic<S>> | undefined>,
): OwnState {
  const message = async (sql: Sql, key: string) => {
    const value = await read(sql, key);
    return value === undefined ? { key, value: null } : { value };
  };
  return { topic, table, current, message };
}

/** @param stillTold which of the present states are published again at every start; all by default */
function ofTable<S extends z.ZodType>(topic: StateTopic<S>, table: StateTable, stillTold = 'true'): OwnState {
  const { name, key, present } = table;
  const current = `SELECT ${key} AS key FROM ${name} WHERE ${present} AND ${stillTold}`;
  return own(topic, { table, current }, async (sql, k) => {
    const [row] = await sql.query<{ doc: MessageOf<StateTopic<S>> }>(
      `SELECT doc FROM ${name} WHERE ${key} = $1 AND ${present}`,
      [k],
    );
    return row?.doc;
  });
}

const derived = (name: string): StateTable => ({ name, key: 'key', present: 'withdrawn_at IS NULL' });

/** Every state topic of the registry, routes first: a rollback must not wait for other states. */
export const ownStates: readonly OwnState[] = [
  ofTable(topics.routes, { name: 'routes', key: 'endpoint', present: 'true' }),
  ofTable(topics.loads, derived('loads')),
  ofTable(topics.profiles, derived('profiles')),
  ofTable(topics.rollouts, { name: 'rollouts', key: 'id::text', present: 'true' }, "status IN ('running', 'paused')"),
  own(topics.access, { table: undefined, current: 'SELECT id::text AS key FROM api_keys' }, async (sql, key) => {
    type Stored = Pick<AccessKey, 'id' | 'name' | 'role' | 'sha256'> & {
      created_at: string;
      revoked_at: string | null;
    };
    const [owner] = await sql.query<Stored>(
      'SELECT id, name, role, hash AS sha256, created_at, revoked_at FROM api_keys WHERE id = $1',
      [key],
    );
    if (!owner) return undefined;
    const revoked = owner.revoked_at === null ? null : Number(owner.revoked_at);
    const revision = { epoch: 0, n: revoked === null ? 1 : 2 };
    return { ...owner, created_at: Number(owner.created_at), revoked_at: revoked, revision };
  }),
];
