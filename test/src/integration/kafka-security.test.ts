import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Principal, principals, type Topic, topics } from '@slipway/contracts';
import { acls } from '@slipway/contracts/generated';
import { freePorts, givenServers, kafkaSpec, Supervisor, until } from '@slipway/local';
import {
  createKafka,
  createLogger,
  createTopics,
  isTransient,
  type KafkaConnection,
  RecordProducer,
  readTopic,
  withAdmin,
} from '@slipway/platform';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../fixtures/certificate.ts';
import { startRelease } from '../fixtures/release.ts';
import { kafkaJars, root } from '../fixtures/stack.ts';

const log = createLogger('test', 'test', 'silent');
const password = (user: string) => `secret of ${user}`;
const users = ['admin', ...principals.map((p) => `slipway-${p}`)];

let folder: string;
let supervisor: Supervisor;
let certificate: string;
let ports: number[];

/** In the clear, with the mechanism PLAIN. */
const plain = (user: string, secret = password(user)): KafkaConnection => ({
  KAFKA_BROKERS: [`127.0.0.1:${ports[0]}`],
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: user,
  KAFKA_SASL_PASSWORD: secret,
});
/** Encrypted, with SCRAM. */
const scram = (user: string, secret = password(user)): KafkaConnection => ({
  ...plain(user, secret),
  KAFKA_BROKERS: [`127.0.0.1:${ports[1]}`],
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_TLS: true,
  KAFKA_TLS_CA: readFileSync(certificate, 'utf8'),
});
const listTopics = (connection: KafkaConnection) =>
  withAdmin(createKafka('test', connection, log), (admin) => admin.listTopics());

beforeAll(async () => {
  mkdirSync(join(root, '.slipway', 'test'), { recursive: true });
  folder = mkdtempSync(join(root, '.slipway', 'test', 'kafka-security-'));
  supervisor = new Supervisor(folder);
  ports = await freePorts(4);
  const made = makeCertificate(folder);
  certificate = made.certificate;
  const keyStore = join(folder, 'store.pem');
  writeFileSync(keyStore, readFileSync(made.key, 'utf8') + readFileSync(certificate, 'utf8'));
  const [clear, encrypted, controller] = ports as [number, number, number];
  const listeners = `BROKER://127.0.0.1:${clear},ENCRYPTED://127.0.0.1:${encrypted}`;
  const login = 'org.apache.kafka.common.security';
  const plainUsers = users.map((u) => `user_${u}="${password(u)}"`).join(' ');
  await supervisor.start(
    kafkaSpec(
      join(folder, 'kafka'),
      kafkaJars,
      { broker: clear, controller },
      {
        brief: true,
        properties: [
          `listeners=${listeners},CONTROLLER://127.0.0.1:${controller}`,
          `advertised.listeners=${listeners}`,
          'listener.security.protocol.map=BROKER:SASL_PLAINTEXT,ENCRYPTED:SASL_SSL,CONTROLLER:PLAINTEXT',
          'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512',
          'sasl.mechanism.inter.broker.protocol=PLAIN',
          `listener.name.broker.plain.sasl.jaas.config=${login}.plain.PlainLoginModule required ` +
            `username="admin" password="${password('admin')}" ${plainUsers};`,
          'listener.name.broker.sasl.enabled.mechanisms=PLAIN',
          `listener.name.encrypted.scram-sha-512.sasl.jaas.config=${login}.scram.ScramLoginModule required;`,
          'listener.name.encrypted.sasl.enabled.mechanisms=SCRAM-SHA-512',
          'ssl.keystore.type=PEM',
          `ssl.keystore.location=${keyStore}`,
          'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          // Nobody but the controller's own listener is anonymous.
          'super.users=User:admin;User:ANONYMOUS',
        ],
        format: users.flatMap((u) => ['--add-scram', `SCRAM-SHA-512=[name=${u},password=${password(u)}]`]),
      },
    ),
  );
  await until('the administrator to be let in', async () => Array.isArray(await listTopics(plain('admin'))));
  await withAdmin(createKafka('test', plain('admin'), log), (admin) =>
    admin.createAcls({
      acl: acls.flatMap((a) =>
        a.names.map((resourceName) => ({
          principal: `User:slipway-${a.principal}`,
          host: '*',
          operation: AclOperationTypes[a.operation.toUpperCase() as 'READ'],
          permissionType: AclPermissionTypes.ALLOW,
          resourceType: AclResourceTypes[a.resource.toUpperCase() as 'TOPIC'],
          resourceName,
          resourcePatternType: ResourcePatternTypes[a.pattern.toUpperCase() as 'LITERAL'],
        })),
      ),
    }),
  );
  await createTopics(createKafka('test', plain('slipway-migrate'), log));
  const foreign = plain('slipway-foreign-producer');
  await until('the rights to be in force', async () => (await write(foreign, topics.outcomes)) === 'written');
});
afterAll(async () => {
  await supervisor?.stopAll();
  if (!process.env['SLIPWAY_KEEP']) rmSync(folder, { recursive: true, force: true });
});

/** `written`, or what the broker calls its refusal. */
async function write(connection: KafkaConnection, topic: Topic): Promise<string> {
  const producer = new RecordProducer(createKafka('test', connection, log));
  try {
    await producer.send(topic.name, [{ key: 'k', value: '{}' }], 0);
    return 'written';
  } catch (error) {
    for (let e = error; e; e = (e as { cause?: unknown }).cause)
      if ((e as { type?: string }).type) return String((e as { type: string }).type);
    return String(error);
  } finally {
    await producer.close();
  }
}

describe('a login', () => {
  it('accepts the right password, and no other', async () => {
    await expect(listTopics(plain('slipway-router'))).resolves.toContain(topics.routes.name);
    await expect(listTopics(plain('slipway-router', 'wrong'))).rejects.toThrow(/authentication failed/i);
    await expect(listTopics(plain('stranger'))).rejects.toThrow(/authentication failed/i);
    await expect(listTopics({ KAFKA_BROKERS: plain('admin').KAFKA_BROKERS })).rejects.toThrow();
  });

  it('logs in by SCRAM over TLS, to a broker whose certificate is checked', async () => {
    await expect(listTopics(scram('slipway-router'))).resolves.toContain(topics.routes.name);
    await expect(listTopics(scram('slipway-router', 'wrong'))).rejects.toThrow(/authentication failed/i);
    const { KAFKA_TLS_CA: _, ...untrusting } = scram('slipway-router');
    await expect(listTopics(untrusting)).rejects.toThrow(/self-signed certificate/);
  });
});

describe('the rights of deploy/kafka/acls.txt', () => {
  it('let a foreign producer write rows, and no state or decision', async () => {
    const foreign = plain('slipway-foreign-producer');
    for (const t of [topics.outcomes, topics.predictions, topics.shadowPairs, topics.comparisons])
      expect(await write(foreign, t), t.name).toBe('written');
    for (const t of [topics.routes, topics.rollouts, topics.instances, topics.access, topics.evidence, topics.audit])
      expect(await write(foreign, t), t.name).toBe('TOPIC_AUTHORIZATION_FAILED');
    await expect(readTopic(createKafka('test', foreign, log), topics.access, () => undefined)).rejects.toThrow(
      /not authorized/i,
    );
  });

  it('are not a fault of a record: a client without one keeps its records and can send them later', async () => {
    const producer = new RecordProducer(createKafka('test', plain('slipway-foreign-producer'), log));
    await expect(producer.send(topics.routes.name, [{ key: 'k', value: '{}' }])).rejects.toSatisfy(isTransient);
    await producer.close();
  });

  it.each(principals.map((p) => [p] as [Principal]))(
    'let %s write what the list names, and nothing else',
    async (p) => {
      const allowed = acls.filter((a) => a.principal === p && a.operation === 'Write').flatMap((a) => a.names);
      for (const t of Object.values(topics))
        expect([t.name, await write(plain(`slipway-${p}`), t)]).toEqual([
          t.name,
          allowed.includes(t.name) ? 'written' : 'TOPIC_AUTHORIZATION_FAILED',
        ]);
    },
  );

  it('let an analyser see whether ClickHouse is in its groups, but not a router', async () => {
    const state = (principal: string) =>
      withAdmin(createKafka('test', plain(principal), log), async (admin) =>
        (await admin.describeGroups(['clickhouse.predictions'])).groups.map((g) => g.state),
      );
    expect(await state('slipway-analyser')).toEqual(['Dead']);
    await expect(state('slipway-router')).rejects.toThrow(/group coordinator/);
  });

  it('are sufficient for a router, which logs in by its environment', async () => {
    const port = ports[3] as number;
    const { KAFKA_BROKERS, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD } = scram('slipway-router');
    await supervisor.start({
      name: 'router-1',
      command: process.execPath,
      args: [join(root, 'services', 'traffic-router', 'bundle', 'main.js')],
      env: {
        INSTANCE_ID: 'router-1',
        PORT: String(port),
        ADDRESS: `http://127.0.0.1:${port}`,
        DATA_DIR: join(folder, 'router-1'),
        KAFKA_BROKERS: KAFKA_BROKERS.join(','),
        KAFKA_SASL_MECHANISM: String(KAFKA_SASL_MECHANISM),
        KAFKA_SASL_USERNAME: String(KAFKA_SASL_USERNAME),
        KAFKA_SASL_PASSWORD: String(KAFKA_SASL_PASSWORD),
        KAFKA_TLS: 'true',
        KAFKA_TLS_CA: certificate,
      },
      cwd: folder,
      ipc: true,
      ready: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
    });
    const heartbeats: unknown[] = [];
    await until('a heartbeat of the router', async () => {
      await readTopic(createKafka('test', plain('admin'), log), topics.instances, (instance) =>
        heartbeats.push(instance?.instance_id),
      );
      return heartbeats.includes('router-1');
    });
  });
});

describe('a local stack that uses this broker', () => {
  it('passes login and authority to every service: a route reaches a router, a worker loads its version', async () => {
    const { KAFKA_BROKERS, KAFKA_TLS: _, KAFKA_TLS_CA: __, ...login } = scram('admin');
    const given = givenServers(
      {
        ...login,
        KAFKA_BROKERS: KAFKA_BROKERS.join(','),
        KAFKA_TLS: 'true',
        KAFKA_TLS_CA: relative(root, certificate),
      },
      root,
    );
    const release = await startRelease('given', { counts: { registries: 1, routers: 1, workers: 1 }, given });
    try {
      expect((await release.infer('hello')).status).toBe(200);
      for (const service of [release.stats, release.comparator, release.drift])
        expect([service, (await fetch(`${service}/readyz`)).status]).toEqual([service, 200]);
    } finally {
      await release.end();
    }
  });
});
