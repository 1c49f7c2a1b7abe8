import { type AccessKey, type MessageOf, type Route, type Topic, topics } from '@slipway/contracts';
import type { Rollout } from '@slipway/release';
import type { Message } from '@slipway/platform';
import type { z } from 'zod';
import type { Sql } from '../database/database.store.ts';

type StateTopic<S extends z.ZodType = z.ZodType> = Topic<S, 'state'>;

/** What the registry keeps on one state topic, and reads from Postgres at the time of sending. */
export type OwnState = {
  topic: StateTopic;
  /** SQL: the keys (`key`) that are published again at every start. */
  current: string;
  /** The state of one key as its message; a tombstone when it is no more. */
  message: (sql: Sql, key: string) => Promise<Message<StateTopic>>;
};

function own<S extends z.ZodType>(
  topic: StateTopic<S>,
  current: string,
  read: (sql: Sql, key: string) => Promise<MessageOf<StateTopic<S>> | undefined>,
): OwnState {
  const message = async (sql: Sql, key: string) => {
    const value = await read(sql, key);
    return value === undefined ? { key, value: null } : { value };
  };
  return { topic, current, message };
}

/** Every state topic of the registry, routes first: a rollback must not wait for its own paperwork. */
export const ownStates: readonly OwnState[] = [
  own(topics.routes, 'SELECT endpoint AS key FROM routes', async (sql, key) => {
    const [row] = await sql.query<{ doc: Route }>('SELECT doc FROM routes WHERE endpoint = $1', [key]);
    return row?.doc;
  }),
  own(
    topics.rollouts,
    "SELECT id::text AS key FROM rollouts WHERE status IN ('running', 'paused')",
    async (sql, key) => {
      const [row] = await sql.query<{ doc: Rollout }>('SELECT doc FROM rollouts WHERE id = $1', [key]);
      return row?.doc;
    },
  ),
  own(topics.access, 'SELECT id::text AS key FROM api_keys', async (sql, key) => {
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
