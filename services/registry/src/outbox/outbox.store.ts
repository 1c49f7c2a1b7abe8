import { MAX_RECORD_BYTES, type MessageOf, type Topic } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { encodeValue } from '@slipway/platform';
import type { z } from 'zod';
import type { Sql } from '../database/database.store.ts';

/** Requests that the current state of `key` is published on a state topic; the state is read at the time of sending. */
export async function enqueueState(
  sql: Sql,
  topic: Topic<z.ZodType, 'state'>,
  key: string,
  now: number,
): Promise<void> {
  await sql.query('INSERT INTO outbox (topic, key, created_at) VALUES ($1, $2, $3)', [topic.name, key, now]);
}

/**
 * An event to be published at least once, after earlier events of its key.
 * @throws ProblemError too_large when it does not fit into a Kafka record; the change must not be stored then
 */
export async function enqueueEvent<S extends z.ZodType>(
  sql: Sql,
  topic: Topic<S, 'events'>,
  event: MessageOf<Topic<S, 'events'>>,
  now: number,
): Promise<void> {
  const key = topic.keyOf(event);
  const payload = encodeValue(topic, event);
  const bytes = Buffer.byteLength(payload);
  if (bytes > MAX_RECORD_BYTES)
    throw new ProblemError(
      'too_large',
      `${key} would have ${bytes} bytes of JSON; a Kafka record may have at most ${MAX_RECORD_BYTES}`,
    );
  await sql.query('INSERT INTO outbox (topic, key, payload, created_at) VALUES ($1, $2, $3, $4)', [
    topic.name,
    key,
    payload,
    now,
  ]);
}
