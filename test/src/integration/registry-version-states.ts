import { type Topic, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { createKafka, createLogger, readTopic } from '@slipway/platform';
import { Client } from 'pg';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of registry.test.ts, which the root's vitest runs
import { expect, it } from 'vitest';
import type { z } from 'zod';
import type { Release } from '../fixtures/release.ts';

/** State of single versions on topics; part of the registry's suite. */
export function describeVersionStates(stack: () => Release): void {
  it('makes workers load a version while an endpoint needs it, and continues from its last revision', async () => {
    const release = stack();
    const { admin, operator } = release;
    const { bundle } = await admin.versions.get({ model: 'spam', version: 1 });
    const made = await admin.versions.register({ model: 'spam' }, { bundle: { ...bundle, price: 0.25 } });
    const { model, version, digest } = made;
    const key = `${model}:${version}`;
    const load = () => stateOf(release, topics.loads, key);
    expect(await load()).toBeUndefined();
    for (const name of ['one', 'two']) await operator.endpoints.put({ name }, { model, version });
    await until('the load', async () => (await load()) !== undefined);
    expect(await load()).toMatchObject({ digest, artifact: { sha256: bundle.artifact.sha256 }, revision: { n: 1 } });
    await operator.endpoints.retire({ name: 'one' });
    await until('one to be gone', async () => (await stateOf(release, topics.routes, 'one')) === undefined);
    await allPublished(release);
    expect(await load()).toMatchObject({ digest, revision: { n: 1 } });
    await operator.endpoints.retire({ name: 'two' });
    await until('the tombstone', async () => (await load()) === undefined);
    await operator.endpoints.put({ name: 'three' }, { model, version });
    await until('the load again', async () => (await load()) !== undefined);
    expect(await load()).toMatchObject({ digest, revision: { n: 3 } });
    await operator.endpoints.retire({ name: 'three' });
  });

  it('withdraws at its next start states on the topic that nothing needs', async () => {
    const release = stack();
    const known = await stateOf(release, topics.loads, 'spam:1');
    const stray = { ...known, model: 'stray' };
    const producer = release.kafka.producer();
    await producer.connect();
    await producer.send({ topic: topics.loads.name, messages: [{ key: 'stray:1', value: JSON.stringify(stray) }] });
    await producer.disconnect();
    expect(await stateOf(release, topics.loads, 'stray:1')).toEqual(stray);
    await release.supervisor.stop('registry-1');
    await release.supervisor.startAgain('registry-1');
    await until('its tombstone', async () => (await stateOf(release, topics.loads, 'stray:1')) === undefined);
    expect(await stateOf(release, topics.loads, 'spam:1')).toMatchObject({ digest: known?.digest });
  });
}

/** The last state of a key on a topic; undefined when there is none or it is a tombstone. */
export async function stateOf<S extends z.ZodType>(
  { kafkaBrokers }: Pick<Release, 'kafkaBrokers'>,
  topic: Topic<S, 'state'>,
  key: string,
): Promise<z.output<S> | undefined> {
  let last: z.output<S> | undefined;
  const kafka = createKafka('states', kafkaBrokers.split(','), createLogger('test', 'test', 'silent'));
  await readTopic(kafka, topic, (state, record) => {
    if (record.key?.toString() === key) last = state;
  });
  return last;
}

async function allPublished(release: Release): Promise<void> {
  const postgres = new Client({ connectionString: release.databaseUrl });
  await postgres.connect();
  const waiting = 'SELECT count(*)::int AS n FROM outbox WHERE published_at IS NULL';
  await until('the outbox to be empty', async () => (await postgres.query(waiting)).rows[0]?.n === 0);
  await postgres.end();
}
