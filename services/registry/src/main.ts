import { dirname, join } from 'node:path';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { type Revision } from '@slipway/core';
import { registryApi, topics } from '@slipway/contracts';
import {
  createClickHouse,
  createKafka,
  DeadLetters,
  KafkaBatchServer,
  loadConfig,
  postgresTls,
  RecordProducer,
  runService,
  StateReplica,
  steadyNow,
} from '@slipway/platform';
import { openPostgres } from '@slipway/platform/postgres.store';
import { IdempotencyInterceptor } from './access/idempotency.controller.ts';
import { KeyController } from './key/key.controller.ts';
import { KeyStore } from './access/key.store.ts';
import { ArtifactController } from './artifact/artifact.controller.ts';
import { ArtifactStore } from './artifact/artifact.store.ts';
import { AuditController } from './audit/audit.controller.ts';
import { openAuditKey } from './audit/audit-key.store.ts';
import { AuditVerifier } from './audit/audit-verifier.store.ts';
import { configSchema } from './config.ts';
import { ControlPlane1700000000001 } from './database/0001-control-plane.migration.ts';
import { Profiles1700000000002 } from './database/0002-profiles.migration.ts';
import { Database } from './database/database.store.ts';
import { EndpointController } from './serving/endpoint.controller.ts';
import { EndpointService } from './serving/endpoint-service.store.ts';
import { LiveInstances } from './instance/live-instances.ts';
import { WorkerWatch } from './route/worker-watch.store.ts';
import { MetricController } from './metric/metric.controller.ts';
import { ModelController } from './model/model.controller.ts';
import { ModelStore } from './model/model.store.ts';
import { TrialController } from './trial/trial.controller.ts';
import { Trials } from './trial/trial.loop.ts';
import { raiseEpochIfBehind } from './outbox/epoch.store.ts';
import { OutboxPublisher } from './outbox/publisher.store.ts';
import { Republish } from './outbox/republish.ts';
import { StorableGuard } from './storable.guard.ts';
import { CLICKHOUSE, RequestController } from './request/request.controller.ts';
import { Conductor } from './rollout/conductor.store.ts';
import { EvidenceConsumer } from './rollout/evidence.consumer.ts';
import { RolloutController } from './rollout/rollout.controller.ts';
import { RolloutEvents } from './rollout/rollout-events.loop.ts';
import { RolloutStore } from './rollout/rollout.store.ts';
import { RouteStore } from './route/route.store.ts';

const DAY_MS = 86_400_000;
/** Without a fetch for so long, this registry does not know who is alive. */
const CONTACT_MS = 2000;

await runService('registry', loadConfig(configSchema, process.env), async (config, { log, onClose }) => {
  const source = await openPostgres(
    config.DATABASE_URL,
    config.INSTANCE_ID,
    [],
    [ControlPlane1700000000001, Profiles1700000000002],
    postgresTls(config),
  );
  onClose('postgres', () => source.destroy());
  const database = new Database(source);
  const artifacts = new ArtifactStore(database, config.ARTIFACT_DIR, config.MAX_ARTIFACT_BYTES);
  const clickhouse = config.CLICKHOUSE_URL
    ? createClickHouse(config.CLICKHOUSE_URL, 'slipway', config.CLICKHOUSE_TLS_CA)
    : null;
  onClose('clickhouse', () => clickhouse?.close());
  const auditKey = openAuditKey(
    config.AUDIT_KEY_FILE,
    config.AUDIT_KEYS_DIR ?? join(dirname(config.AUDIT_KEY_FILE), 'audit-keys'),
    steadyNow(),
  );
  const keys = new KeyStore(database);
  await keys.admit(config.BOOTSTRAP_KEYS, steadyNow());

  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const stateProducer = new RecordProducer(kafka, true);
  const producer = new RecordProducer(kafka);
  onClose('producers', async () => void (await Promise.all([stateProducer.close(), producer.close()])));
  const publisher = new OutboxPublisher(database, stateProducer, log);
  onClose('publisher', () => publisher.close());

  const deadLetters = new DeadLetters(producer, 'registry');
  const instances = new LiveInstances();
  const hosts = {
    artifact: [...config.PUBLIC_URLS.map((u) => new URL(u).host), ...config.ARTIFACT_HOSTS],
    target: config.TARGET_HOSTS,
  };
  for (const name of ['ARTIFACT_HOSTS', 'TARGET_HOSTS'] as const)
    if (config[name].includes('*')) log.warn(`${name} is *: a publisher may name any host`);
  const routes = new RouteStore(instances, publisher, {
    artifactBases: config.PUBLIC_URLS,
    leaseMs: config.LEASE_MS,
    targetHosts: hosts.target,
  });
  const trials = new Trials({ database, instances, routes, artifactBases: config.PUBLIC_URLS, log });
  onClose('trials', () => trials.close());
  const rollouts = new RolloutStore(database, routes, config.ALPHA);
  const conductor = new Conductor({
    database,
    rollouts,
    routes,
    instances,
    log,
    leaseMs: config.LEASE_MS,
    policy: { silenceMs: config.SILENCE_MS, prepareMs: 300_000 },
  });

  const instanceReplica = new StateReplica({
    kafka,
    topic: topics.instances,
    groupId: config.INSTANCE_ID,
    log,
    deadLetters,
    onState: (id, instance, arrivedMs) => instances.apply(id, instance, arrivedMs),
  });
  const instancesKnown = () =>
    instanceReplica.isReady && performance.now() - instanceReplica.lastContactMs < CONTACT_MS;
  conductor.instancesKnown = instancesKnown;
  const watch = new WorkerWatch({ database, routes, instances, producer, log, known: instancesKnown });

  // What the topics say of our own state, read once at the start: are they ahead of Postgres?
  const seen = new Map<string, { topic: string; key: string; revision: Revision }>();
  const remember = (topic: string) => (key: string, state: { revision: Revision } | undefined) =>
    void (state && seen.set(`${topic}/${key}`, { topic, key, revision: state.revision }));
  const ownState = { kafka, groupId: config.INSTANCE_ID, log, deadLetters };
  const own = [
    new StateReplica({ ...ownState, topic: topics.routes, onState: remember(topics.routes.name) }),
    new StateReplica({ ...ownState, topic: topics.loads, onState: remember(topics.loads.name) }),
    new StateReplica({ ...ownState, topic: topics.profiles, onState: remember(topics.profiles.name) }),
    new StateReplica({ ...ownState, topic: topics.rollouts, onState: remember(topics.rollouts.name) }),
  ];
  let begun = false;
  const begin = async () => {
    await Promise.all(own.map((r) => r.ready));
    await Promise.all(own.map((r) => r.close()));
    const epoch = await raiseEpochIfBehind(database, [...seen.values()], steadyNow());
    if (epoch)
      log.warn(
        { epoch },
        'the topics were ahead of Postgres (a restore?): the epoch was raised and every state is published again',
      );
    publisher.start();
    conductor.start();
    watch.start();
    trials.start();
    begun = true;
  };
  onClose('conductor', async () => {
    watch.close();
    await conductor.close();
    await Promise.all([instanceReplica, ...own].map((r) => r.close()));
  });
  const prune = async () => {
    await artifacts.forgetPartials(steadyNow() - DAY_MS);
    await publisher.prune(steadyNow() - DAY_MS);
  };
  const pruning = setInterval(
    () => void prune().catch((error: unknown) => log.warn({ err: error }, 'pruning failed')),
    3_600_000,
  );
  onClose('pruning', () => clearInterval(pruning));

  const transport = new KafkaBatchServer({ kafka, groupId: 'slipway.registry', deadLetters, log });
  const value = <T>(provide: abstract new (...args: never[]) => T, useValue: T) => ({ provide, useValue });
  return {
    access: keys,
    api: registryApi,
    controllers: [
      AuditController,
      KeyController,
      ModelController,
      TrialController,
      ArtifactController,
      MetricController,
      EndpointController,
      RolloutController,
      RequestController,
      EvidenceConsumer,
    ],
    providers: [
      value(Database, database),
      value(AuditVerifier, new AuditVerifier(database, kafka, auditKey, log)),
      value(KeyStore, keys),
      value(OutboxPublisher, publisher),
      value(ModelStore, new ModelStore(database, artifacts, hosts)),
      value(ArtifactStore, artifacts),
      { provide: CLICKHOUSE, useValue: clickhouse },
      value(Trials, trials),
      value(RouteStore, routes),
      value(Republish, routes),
      value(RolloutStore, rollouts),
      value(EndpointService, new EndpointService(database, routes, rollouts, trials)),
      value(Conductor, conductor),
      value(RecordProducer, stateProducer),
      value(RolloutEvents, new RolloutEvents(database)),
      { provide: APP_GUARD, useClass: StorableGuard },
      { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
    ],
    transports: [transport],
    readiness: [
      { name: 'postgres', ready: async () => (await database.query('SELECT 1')).length === 1 },
      { name: 'own state on Kafka', ready: () => begun },
      { name: 'instances', ready: () => instanceReplica.isReady },
    ],
    started: () => {
      instanceReplica.start();
      for (const r of own) r.start();
      void begin().catch((error: unknown) => {
        log.fatal({ err: error }, 'the conductor could not begin');
        process.kill(process.pid, 'SIGTERM');
      });
    },
  };
});
