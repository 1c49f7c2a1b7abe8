import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keyWeakness, type OutcomeRow, topicList, topics } from '@slipway/contracts';
import { until } from '@slipway/local';
import { createKafka, createLogger, createTopics, RecordProducer, readTopic } from '@slipway/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { root, startTestStack, type TestStack } from '../fixtures/stack.ts';

const exec = promisify(execFile);
type Service = {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, unknown>;
};
const compose = parse(readFileSync(join(root, 'deploy', 'compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, object>;
};
/** The content of deploy/make-env.sh's file, made in a folder of the test's own. */
const environment = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'compose-'));
  copyFileSync(join(root, 'deploy', 'make-env.sh'), join(folder, 'make-env.sh'));
  execFileSync('sh', [join(folder, 'make-env.sh')]);
  const text = readFileSync(join(folder, '.env'), 'utf8');
  rmSync(folder, { recursive: true });
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]),
  );
})();
/** As `docker compose` does it with that file. */
const interpolated = (value: string) =>
  value.replace(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => {
    const set = environment[name];
    if (!set) throw new Error(`${name} is not made by make-env.sh`);
    return set;
  });
const ours = Object.entries(compose.services).filter(([, s]) => s.image === 'slipway');

// No container engine is needed here: the files are checked against the services themselves.
describe('deploy/compose.yaml', () => {
  it('has no secret of its own: unset values stop it, and make-env.sh makes new ones each time', () => {
    const text = readFileSync(join(root, 'deploy', 'compose.yaml'), 'utf8');
    expect(text).not.toMatch(/\$\{\w+(:?-|\})/);
    expect(text).not.toMatch(/(PASSWORD|KEY)"?\s*[:=]\s*"?(?!\$\{)[\w-]{3,}/);
    for (const value of Object.values(environment)) expect(keyWeakness(value)).toBeUndefined();
  });

  it('has every service of ours, and the official images of the stores', () => {
    expect(ours.map(([, s]) => s.command?.[0]).sort()).toEqual(
      [
        'deploy/migrate/dist/main.js',
        ...[
          'drift-monitor',
          'experiment-stats',
          'inference-worker',
          'registry',
          'shadow-comparator',
          'traffic-router',
        ].map((n) => `services/${n}/bundle/main.js`),
      ].sort(),
    );
    expect(['kafka', 'postgres', 'clickhouse'].map((n) => compose.services[n]?.image)).toEqual([
      'apache/kafka:4.1.0',
      'postgres:18',
      'clickhouse/clickhouse-server:26.7',
    ]);
  });
  it.each(ours)('gives %s an environment that it accepts, and a program that exists', async (_, service) => {
    const main = join(root, service.command?.[0] as string);
    expect(existsSync(main)).toBe(true);
    const config = main.replace(/(bundle|dist)\/main\.js$/, 'dist/config.js');
    const { configSchema } = (await import(config)) as { configSchema: z.ZodType };
    const env = Object.fromEntries(Object.entries(service.environment ?? {}).map(([k, v]) => [k, interpolated(v)]));
    expect(configSchema.safeParse(env).error?.issues).toBeUndefined();
  });
  it('publishes Kafka, which needs no login there, and ClickHouse in plain HTTP to this machine only', () => {
    expect(compose.services['kafka']?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    expect(compose.services['clickhouse']?.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    expect(compose.services['postgres']?.ports ?? []).toEqual([]);
  });
  it('names only volumes and services that it has', () => {
    for (const service of Object.values(compose.services)) {
      for (const v of service.volumes ?? [])
        expect(
          v.startsWith('./')
            ? existsSync(join(root, 'deploy', v.split(':')[0] as string))
            : (v.split(':')[0] as string) in compose.volumes,
          v,
        ).toBe(true);
      for (const d of Object.keys(service.depends_on ?? {})) expect(Object.keys(compose.services)).toContain(d);
    }
  });
});

describe('the image', () => {
  it('is built from paths that exist', () => {
    const file = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8');
    const copied = [...file.matchAll(/COPY --from=build \/slipway\/(\S+)/g)].map((m) => m[1] as string);
    const workspaces = [...file.matchAll(/--workspace (\S+)/g)].map((m) => join(m[1] as string, 'package.json'));
    expect(Math.min(copied.length, workspaces.length)).toBeGreaterThan(0);
    expect([...copied, ...workspaces].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('two deployments on one cluster of Kafka', () => {
  let stack: TestStack;
  const kafkaOf = (prefix: string) =>
    createKafka(
      'test',
      { KAFKA_BROKERS: stack.kafkaBrokers.split(','), TOPIC_PREFIX: prefix },
      createLogger('test', 'test', 'silent'),
    );
  beforeAll(async () => {
    const counts = { registries: 0, routers: 1, workers: 0 };
    stack = await startTestStack('migrate', { counts, given: { topicPrefix: 'staging.' } });
  });
  afterAll(() => stack?.end());

  it('have topics of their own: deploy/migrate makes the missing ones, with partitions and cleanup', async () => {
    const run = () =>
      exec(process.execPath, [join(root, 'deploy', 'migrate', 'dist', 'main.js')], {
        env: {
          PATH: process.env['PATH'],
          KAFKA_BROKERS: stack.kafkaBrokers,
          TOPIC_PREFIX: 'staging.',
          CLICKHOUSE_URL: stack.clickhouse.writer,
        },
      });
    expect((await run()).stdout).toContain('"applied":[]');
    await createTopics(kafkaOf(''));
    const admin = stack.kafka.admin();
    await admin.connect();
    const { topics: made } = await admin.fetchTopicMetadata();
    const names = topicList.flatMap((t) => [t.name, `staging.${t.name}`]);
    expect(made.map((m) => m.name).filter((n) => !n.startsWith('__'))).toHaveLength(names.length);
    const configs = await admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: 2, name })),
    });
    await admin.disconnect();
    for (const t of topicList)
      for (const name of [t.name, `staging.${t.name}`]) {
        expect(made.find((m) => m.name === name)?.partitions.length, name).toBe(t.partitions);
        const entries = configs.resources.find((r) => r.resourceName === name)?.configEntries ?? [];
        const value = (entry: string) => entries.find((e) => e.configName === entry)?.configValue;
        expect([value('message.timestamp.type'), value('cleanup.policy')]).toEqual([
          'LogAppendTime',
          t.carries === 'state' ? 'compact' : 'delete',
        ]);
      }
  });

  it("do not see each other's messages: services and ClickHouse use their own topics", async () => {
    const outcome = (id: string): OutcomeRow => ({
      ...{ event_id: id, type: 'slipway.outcome.v1', source: 'test', time: Date.now(), endpoint: 'spam' },
      ...{ name: 'kept', value: true, unit: 'u', request_id: '' },
    });
    const [production, staging] = [new RecordProducer(kafkaOf('')), new RecordProducer(kafkaOf('staging.'))];
    await production.publish(topics.outcomes, [{ value: outcome('production') }]);
    await staging.publish(topics.outcomes, [{ value: outcome('staging') }]);
    await Promise.all([production.close(), staging.close()]);
    const landed = async () =>
      (await stack.query<{ id: string }>('SELECT event_id AS id FROM outcomes')).map((r) => r.id);
    await until('the outcome of this deployment', async () => (await landed()).includes('staging'));
    expect(await landed()).toEqual(['staging']);
    const heartbeats = async (prefix: string) => {
      const ids = new Set<string | undefined>();
      await readTopic(kafkaOf(prefix), topics.instances, (instance) => ids.add(instance?.instance_id));
      return [...ids];
    };
    await until('a heartbeat of the router', async () => (await heartbeats('staging.')).includes('router-1'));
    expect(await heartbeats('')).toEqual([]);
  });
});
