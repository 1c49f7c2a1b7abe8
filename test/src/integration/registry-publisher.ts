import { randomUUID } from 'node:crypto';
import { type RegistryClient, registryClient } from '@slipway/client';
import { type Route, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import type { Bundle } from '@slipway/model';
import { createKafka, createLogger, DeadLetters, RecordProducer, StateReplica } from '@slipway/platform';
import { Client } from 'pg';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of registry.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Release } from '../fixtures/release.ts';
import { stateOf } from './registry-version-states.ts';

/** Routes when a registry loses its lock on a key; part of the registry's suite, which has two. */
export function describePublisher(stack: () => Release): void {
  describe('a registry that stands still until Postgres has dropped its lock', () => {
    it('publishes an old route after the new one, then the current one again, and changes no replica', async () => {
      const release = stack();
      const { supervisor } = release;
      const second = registryClient({ url: release.registries[1] as string, key: release.secrets.keys.operator });
      const postgres = new Client({ connectionString: release.databaseUrl });
      postgres.on('error', () => undefined);
      await postgres.connect();
      const revisionNow = async () =>
        (await postgres.query("SELECT (doc->'revision'->>'n')::int AS n FROM routes WHERE endpoint = 'spam'")).rows[0]
          ?.n as number;
      const configure = (client: RegistryClient, timeout_ms: number) =>
        client.endpoints.put({ name: 'spam' }, { model: 'spam', version: 1, timeout_ms });

      const landed: number[] = [];
      const reader = release.kafka.consumer({ groupId: `publisher-${randomUUID()}` });
      await reader.connect();
      await reader.subscribe({ topic: topics.routes.name, fromBeginning: true });
      await reader.run({
        eachMessage: async ({ message }) => {
          if (message.key?.toString() === 'spam' && message.value)
            landed.push((JSON.parse(message.value.toString()) as Route).revision.n);
        },
      });
      const followed: number[] = [];
      const log = createLogger('test', 'test', 'silent');
      const kafka = createKafka('publisher', release.kafkaBrokers.split(','), log);
      const producer = new RecordProducer(kafka);
      const follower = new StateReplica({
        kafka,
        topic: topics.routes,
        groupId: 'publisher',
        log,
        deadLetters: new DeadLetters(producer, 'publisher'),
        onState: (key, route) => {
          if (key === 'spam' && route) followed.push(route.revision.n);
        },
      });
      follower.start();
      await follower.ready;

      // With Kafka away, the first registry holds the lock and tries again and again to send the route of now.
      supervisor.kill('kafka', 'SIGKILL', { restart: false });
      await configure(release.operator, 11_111);
      const old = await revisionNow();
      let holder: number | undefined;
      await until('the first registry to hold the lock on the route', async () => {
        const { rows } = await postgres.query(
          `SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
           WHERE l.locktype = 'advisory' AND l.granted
             AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended($1, 2)
             AND a.application_name = 'registry-1' AND a.state = 'idle in transaction'`,
          // The audit's row of the same change waits for Kafka under a lock of its own.
          [`${topics.routes.name}/spam`],
        );
        holder = rows[0]?.pid;
        return holder !== undefined;
      });
      // It stands still, and Postgres drops it with its lock; the other registry goes on.
      supervisor.kill('registry-1', 'SIGSTOP');
      try {
        await postgres.query('SELECT pg_terminate_backend($1)', [holder]);
        await configure(second, 22_222);
        await supervisor.startAgain('kafka');
        const current = await revisionNow();
        expect(current).toBeGreaterThan(old);
        await until('the other registry to have published the new route', () => landed.includes(current));
      } finally {
        supervisor.kill('registry-1', 'SIGCONT');
      }
      await until(
        'the old route to have landed after the new one',
        () => (landed.at(-1) ?? 0) >= old && landed.slice(landed.findIndex((n) => n > old)).includes(old),
      );
      await until('the current route to be the last one again', async () => landed.at(-1) === (await revisionNow()));

      const newest = Math.max(...landed);
      await until('the replica to have the newest', () => followed.includes(newest));
      expect(followed).toEqual([...followed].sort((a, b) => a - b));
      const answer = await release.infer('after all that');
      const id = answer.headers.get('x-request-id') as string;
      expect((await release.accountFor([id])).missing).toEqual([]);
      expect(
        await release.query('SELECT route_revision FROM predictions WHERE request_id = {id:String}', { id }),
      ).toEqual([{ route_revision: expect.stringMatching(new RegExp(`\\.${newest}$`)) }]);
      expect(await release.query('SELECT topic, consumer, reason, raw FROM dead_letters FINAL LIMIT 3')).toEqual([]);
      await configure(release.operator, 5000);
      await Promise.all([reader.disconnect(), follower.close(), producer.close(), postgres.end()]);
    });

    it('withdraws again, at its next start, a state that came after its tombstone, without a new epoch', async () => {
      const release = stack();
      const { operator, admin } = release;
      const epoch = async () =>
        (await operator.endpoints.get({ name: 'spam' })) && (await routeOf(release, 'spam'))?.revision.epoch;
      await admin.models.create({ name: 'withdrawn' });
      const signature: Bundle['signature'] = {
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
      };
      await admin.versions.register(
        { model: 'withdrawn' },
        {
          bundle: {
            artifact: { sha256: 'a'.repeat(64), uri: 'https://models.example/w' },
            signature,
            infra: { url: 'http://127.0.0.1:9' },
          },
        },
      );
      await operator.endpoints.put({ name: 'withdrawn' }, { model: 'withdrawn', version: 1 });
      let old: Route | undefined;
      await until('its route', async () => (old = await routeOf(release, 'withdrawn')) !== undefined);
      await operator.endpoints.retire({ name: 'withdrawn' });
      await until('its tombstone', async () => (await routeOf(release, 'withdrawn')) === undefined);
      const before = await epoch();

      const producer = release.kafka.producer();
      await producer.connect();
      await producer.send({ topic: topics.routes.name, messages: [{ key: 'withdrawn', value: JSON.stringify(old) }] });
      await producer.disconnect();
      expect(await routeOf(release, 'withdrawn')).toEqual(old);
      await release.supervisor.stop('registry-1');
      await release.supervisor.startAgain('registry-1');
      await until('another tombstone', async () => (await routeOf(release, 'withdrawn')) === undefined);
      expect(await epoch()).toBe(before);
    });
  });

  // Last: what is small enough for Kafka is no row of the audit, and becomes a dead letter.
  it('a record that the broker refuses delays no other key, and is reported', async () => {
    const release = stack();
    const postgres = new Client({ connectionString: release.databaseUrl });
    await postgres.connect();
    const enqueue = (key: string, bytes: number) =>
      postgres.query('INSERT INTO outbox (topic, key, payload, created_at) VALUES ($1, $2, $3, 0)', [
        topics.audit.name,
        key,
        JSON.stringify('x'.repeat(bytes)),
      ]);
    const waiting = async () =>
      (await postgres.query("SELECT key FROM outbox WHERE published_at IS NULL AND key LIKE 'size/%'")).rows;
    await enqueue('size/large', 2_000_000);
    await enqueue('size/small', 10);
    await until('what fits to be published', async () => (await waiting()).length === 1);
    expect(await waiting()).toEqual([{ key: 'size/large' }]);
    await until('a registry to tell of it', async () => {
      const texts = await Promise.all(release.registries.map(async (r) => (await fetch(`${r}/metrics`)).text()));
      return texts.some((t) => /^slipway_outbox_refused 1$/m.test(t));
    });
    await postgres.query("DELETE FROM outbox WHERE key = 'size/large'");
    await postgres.end();
  });
}

const routeOf = (release: Release, endpoint: string) => stateOf(release, topics.routes, endpoint);
