import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  connectionSchema,
  createKafka,
  createLogger,
  createTopics,
  loadConfig,
  migrateClickHouse,
  securityShape,
} from '@slipway/platform';
import { clickHouseSpec } from './clickhouse/spec.ts';
import { type Given, securityFor } from './given.ts';
import { kafkaSpec } from './kafka.ts';
import { freePorts, requireFree } from './ports.ts';
import { postgresServer } from './postgres.ts';
import { loadSecrets, type Secrets } from './secrets.ts';
import { type ProcessSpec, Supervisor } from './process/supervisor.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export type StackPorts = {
  kafka: number;
  kafkaController: number;
  postgres: number;
  clickhouse: number;
  registry: number[];
  router: number[];
  worker: number[];
  stats: number;
  comparator: number;
  drift: number;
};

export type StackOptions = {
  /** Folder of all data of this stack. */
  folder: string;
  kafkaJars: string;
  counts: { registries: number; routers: number; workers: number };
  /** Free ports are chosen when absent. */
  ports?: StackPorts;
  /** Existing servers. */
  given?: Given;
  /** Environment of single services, by process name (`router-1`). */
  env?: Record<string, Record<string, string>>;
  /** Whether it runs for minutes only: then a quick start matters more than speed. */
  brief?: boolean;
  onEvent?: (line: string) => void;
  progress?: (line: string) => void;
};

export type Stack = {
  supervisor: Supervisor;
  secrets: Secrets;
  folder: string;
  kafkaBrokers: string;
  databaseUrl: string;
  clickhouse: { url: string; writer: string; analyst: string };
  registries: string[];
  routers: string[];
  workers: string[];
  stats: string;
  comparator: string;
  drift: string;
  /** Names of the processes of each service, by its folder under `services/`. */
  processes: Record<string, string[]>;
  stop: () => Promise<void>;
};

/** The default ports; each can be changed by its variable. */
export function defaultPorts(
  counts: StackOptions['counts'],
  env: NodeJS.ProcessEnv,
): { ports: StackPorts; listed: { port: number; use: string; variable: string }[] } {
  const listed: { port: number; use: string; variable: string }[] = [];
  const take = (use: string, variable: string, fallback: number, n = 1): number[] => {
    const base = Number(env[variable] ?? fallback);
    return Array.from({ length: n }, (_, i) => {
      listed.push({ port: base + i, use: n > 1 ? `${use} ${i + 1}` : use, variable });
      return base + i;
    });
  };
  const one = (use: string, variable: string, fallback: number) => take(use, variable, fallback)[0] as number;
  const ports: StackPorts = {
    registry: take('the registry', 'SLIPWAY_REGISTRY_PORT', 8080, counts.registries),
    router: take('the router', 'SLIPWAY_ROUTER_PORT', 8000, counts.routers),
    worker: take('the inference worker', 'SLIPWAY_WORKER_PORT', 8100, counts.workers),
    stats: one('experiment-stats', 'SLIPWAY_STATS_PORT', 8200),
    comparator: one('shadow-comparator', 'SLIPWAY_COMPARATOR_PORT', 8300),
    drift: one('drift-monitor', 'SLIPWAY_DRIFT_PORT', 8400),
    kafka: one('Kafka', 'SLIPWAY_KAFKA_PORT', 9092),
    kafkaController: one("Kafka's controller", 'SLIPWAY_KAFKA_CONTROLLER_PORT', 9093),
    postgres: one('PostgreSQL', 'SLIPWAY_POSTGRES_PORT', 5433),
    clickhouse: one('ClickHouse', 'SLIPWAY_CLICKHOUSE_PORT', 8123),
  };
  return { ports, listed };
}

export async function randomPorts({ registries, routers, workers }: StackOptions['counts']): Promise<StackPorts> {
  const free = await freePorts(7 + registries + routers + workers);
  const take = (n: number) => free.splice(0, n);
  const one = () => free.shift() as number;
  return {
    registry: take(registries),
    router: take(routers),
    worker: take(workers),
    stats: one(),
    comparator: one(),
    drift: one(),
    kafka: one(),
    kafkaController: one(),
    postgres: one(),
    clickhouse: one(),
  };
}

/** Starts the stores and every service in order, each when what it depends on is ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { folder, counts, given = {}, progress = () => undefined } = options;
  mkdirSync(folder, { recursive: true });
  // Other users may pass through the folder, as the store that runs as nobody must, but not list it; secrets have a
  // mode of their own.
  chmodSync(folder, 0o711);
  const supervisor = new Supervisor(folder, options.onEvent);
  const left = await supervisor.endLeftovers();
  if (left.length > 0) progress(`ended what an earlier start left running: ${left.join(', ')}`);
  let ports = options.ports;
  if (!ports) ports = await randomPorts(counts);
  else
    await requireFree(
      defaultPorts(counts, process.env).listed.filter(
        (l) =>
          !(given.kafkaBrokers && /Kafka/.test(l.use)) &&
          !(given.databaseUrl && l.use === 'PostgreSQL') &&
          !(given.clickhouseUrl && l.use === 'ClickHouse'),
      ),
      left.length > 0 ? 15_000 : 0,
    );
  const secrets = loadSecrets(join(folder, 'secrets.json'));

  progress('starting Kafka, PostgreSQL and ClickHouse …');
  let databaseUrl = given.databaseUrl ?? '';
  const kafkaBrokers = given.kafkaBrokers ?? `127.0.0.1:${ports.kafka}`;
  const clickhouseUrl = given.clickhouseUrl ?? `http://127.0.0.1:${ports.clickhouse}`;
  const as = (user: 'slipway' | 'analyst') => {
    if (given.clickhouseUrl) return given.clickhouseUrl;
    return `http://${user}:${secrets.clickhouse[user]}@127.0.0.1:${ports.clickhouse}`;
  };
  const log = createLogger('stack', 'stack', 'silent');
  const connection = loadConfig(connectionSchema, { ...securityFor(given, {}), TOPIC_PREFIX: given.topicPrefix });
  const { TOPIC_PREFIX } = connection;
  const kafka = createKafka('slipway.stack', { ...connection, KAFKA_BROKERS: kafkaBrokers.split(',') }, log);
  const clickhouseCa = securityShape.CLICKHOUSE_TLS_CA.parse(
    securityFor(given, { clickhouse: true })['CLICKHOUSE_TLS_CA'],
  );
  const stop = () => supervisor.stopAll();
  try {
    await Promise.all([
      (async () => {
        if (!given.kafkaBrokers)
          await supervisor.start(
            kafkaSpec(
              join(folder, 'kafka'),
              options.kafkaJars,
              { broker: ports.kafka, controller: ports.kafkaController },
              { brief: options.brief === true },
            ),
          );
        await createTopicsPatiently(() => createTopics(kafka));
      })(),
      (async () => {
        if (given.databaseUrl) return;
        const postgres = postgresServer(join(folder, 'postgres'), ports.postgres, secrets.postgres);
        databaseUrl = postgres.url;
        await supervisor.start(postgres.spec);
        await postgres.createDatabase();
      })(),
      given.clickhouseUrl
        ? undefined
        : supervisor.start(clickHouseSpec(join(folder, 'clickhouse'), ports.clickhouse, secrets.clickhouse)),
    ]);
    progress('migrating ClickHouse …');
    await migrateClickHouse(
      as('slipway'),
      join(root, 'deploy', 'clickhouse'),
      { KAFKA_BROKERS: kafkaBrokers, TOPIC_PREFIX },
      clickhouseCa,
    );

    progress('starting the services …');
    const processes: Stack['processes'] = {};
    const service = (name: string, project: string, port: number, env: Record<string, string>): ProcessSpec => {
      processes[project] = [...(processes[project] ?? []), name];
      return {
        name,
        command: process.execPath,
        args: [join(root, 'services', project, 'bundle', 'main.js')],
        env: {
          INSTANCE_ID: name,
          PORT: String(port),
          KAFKA_BROKERS: kafkaBrokers,
          TOPIC_PREFIX,
          ...securityFor(given, { database: 'DATABASE_URL' in env, clickhouse: 'CLICKHOUSE_URL' in env }),
          ...env,
          ...options.env?.[name],
        },
        cwd: folder,
        ipc: true,
        ready: async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok,
      };
    };
    const url = (port: number) => `http://127.0.0.1:${port}`;
    const registries = ports.registry.map(url);
    const registry = ports.registry.map((port, i) =>
      service(`registry-${i + 1}`, 'registry', port, {
        DATABASE_URL: databaseUrl,
        ARTIFACT_DIR: join(folder, 'artifacts'),
        AUDIT_KEY_FILE: join(folder, 'audit-key.pem'),
        PUBLIC_URLS: registries.join(','),
        CLICKHOUSE_URL: as('slipway'),
        BOOTSTRAP_KEYS: JSON.stringify(secrets.keys),
      }),
    );
    const others = [
      ...ports.worker.map((port, i) =>
        service(`worker-${i + 1}`, 'inference-worker', port, {
          CACHE_DIR: join(folder, `worker-${i + 1}`),
          REGISTRY_KEY: secrets.keys.viewer,
          REGISTRY_URLS: registries.join(','),
          WORKER_KEY: secrets.keys.viewer,
          ADDRESS: url(port),
        }),
      ),
      ...ports.router.map((port, i) =>
        service(`router-${i + 1}`, 'traffic-router', port, {
          DATA_DIR: join(folder, `router-${i + 1}`),
          WORKER_KEY: secrets.keys.viewer,
          ADDRESS: url(port),
        }),
      ),
      ...(counts.registries > 0
        ? [
            service('stats-1', 'experiment-stats', ports.stats, { CLICKHOUSE_URL: as('slipway') }),
            service('comparator-1', 'shadow-comparator', ports.comparator, { CLICKHOUSE_URL: as('slipway') }),
            service('drift-1', 'drift-monitor', ports.drift, { CLICKHOUSE_URL: as('slipway') }),
          ]
        : []),
    ];
    await Promise.all([...registry, ...others].map((spec) => supervisor.start(spec)));
    return {
      supervisor,
      secrets,
      folder,
      kafkaBrokers,
      databaseUrl,
      clickhouse: { url: clickhouseUrl, writer: as('slipway'), analyst: as('analyst') },
      registries,
      routers: ports.router.map(url),
      workers: ports.worker.map(url),
      stats: url(ports.stats),
      comparator: url(ports.comparator),
      drift: url(ports.drift),
      processes,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The broker accepts connections a little before it can create topics. */
async function createTopicsPatiently(create: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await create();
      return;
    } catch (error) {
      if (attempt >= 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
