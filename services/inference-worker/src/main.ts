import { formatVersion } from '@slipway/core';
import { type Instance, type Route, topics } from '@slipway/contracts';
import { Ejections, targetKey, targetsOf } from '@slipway/routing';
import {
  AccessReplica,
  Asker,
  ByteBudget,
  CallerAccess,
  counter,
  createKafka,
  DeadLetters,
  defaultAccess,
  gauge,
  KafkaBatchServer,
  loadConfig,
  RecordProducer,
  runHeartbeat,
  runService,
  StateReplica,
  steadyNow,
  TargetClient,
} from '@slipway/platform';
import { randomUUID } from 'node:crypto';
import { availableParallelism, totalmem } from 'node:os';
import { configSchema, modelEnvironment } from './config.ts';
import { inferHandler } from './inference/infer.proxy.ts';
import { ArtifactClient } from './model/artifact.client.ts';
import { ModelSet } from './model/model-set.client.ts';
import { TrialLoop } from './model/trial.loop.ts';
import { LegClient } from './shadow/leg.client.ts';
import { ShadowLane } from './shadow/shadow-lane.consumer.ts';

/** Memory of the machine, or of the container where that has less. */
function memoryHere(): number {
  const container = process.constrainedMemory();
  return container > 0 ? Math.min(totalmem(), container) : totalmem();
}

await runService('inference-worker', loadConfig(configSchema, process.env), async (config, { log, onClose }) => {
  const boot = randomUUID();
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const producer = new RecordProducer(kafka);
  onClose('producer', () => producer.close());
  if (config.ARTIFACT_HOSTS.includes('*')) log.warn('ARTIFACT_HOSTS is *: artifacts are fetched from any host');
  const artifacts = new ArtifactClient({
    folder: config.CACHE_DIR,
    key: config.REGISTRY_KEY,
    registryUrls: config.REGISTRY_URLS,
    allowedHosts: config.ARTIFACT_HOSTS,
    maxBytes: config.MAX_ARTIFACT_BYTES,
    cacheBytes: config.CACHE_MAX_BYTES,
  });
  await artifacts.forgetPartials();
  const bytes = new ByteBudget(config.MAX_BYTES_IN_FLIGHT);
  const models = new ModelSet({
    artifacts,
    log,
    threads: config.ORT_THREADS ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    maxQueuedRows: config.MAX_QUEUED_ROWS,
    bytes,
    limits: {
      runDeadlineMs: config.MODEL_RUN_DEADLINE_MS,
      loadDeadlineMs: config.MODEL_LOAD_DEADLINE_MS,
      memoryBytes: config.MODEL_MEMORY_BYTES ?? Math.floor(memoryHere() / 2),
      env: modelEnvironment(process.env),
    },
    onChange: () => heartbeat.now(),
  });
  onClose('models', () => models.close());
  const trials = new TrialLoop({ models, registryUrls: config.REGISTRY_URLS, key: config.REGISTRY_KEY, log });
  onClose('trials', () => trials.close());
  const deadLetters = new DeadLetters(producer, config.INSTANCE_ID);
  const routes = new Map<string, Route>();
  const state = { kafka, groupId: config.INSTANCE_ID, log, deadLetters };
  const replicas = {
    loads: new StateReplica({ ...state, topic: topics.loads, onState: (key, load) => models.keep(key, load) }),
    keys: new AccessReplica({ kafka, instanceId: config.INSTANCE_ID, log, deadLetters }),
    routes: new StateReplica({
      ...state,
      topic: topics.routes,
      onState: (endpoint, route) => {
        if (route) routes.set(endpoint, route);
        else routes.delete(endpoint);
      },
    }),
  };
  const access = new CallerAccess(
    config.WORKER_ACCESS ?? defaultAccess(config.HOST),
    replicas.keys.keys,
    () => replicas.keys.isReady,
  );
  onClose('replicas', async () => void (await Promise.all(Object.values(replicas).map((r) => r.close()))));
  const heartbeat = runHeartbeat(
    producer,
    log,
    (): Instance => ({
      instance_id: config.INSTANCE_ID,
      kind: 'worker',
      boot,
      address: config.ADDRESS,
      time: steadyNow(),
      applied: Object.fromEntries([...routes].map(([endpoint, { revision }]) => [endpoint, revision])),
      versions: models.versions(),
      ejections: [],
      counters: Object.fromEntries(models.all().map((m) => [`waiting_rows.${formatVersion(m.spec)}`, m.waitingRows])),
      notes: Object.fromEntries(
        models
          .all()
          .slice(0, 1)
          .map((m) => ['execution_provider', m.provider]),
      ),
    }),
  );
  onClose('heartbeat', () => heartbeat.stop());
  const waiting = gauge('slipway_worker_waiting_rows', 'Rows waiting for a batch', ['model', 'version']);
  const measuring = setInterval(() => {
    for (const m of models.all()) waiting.set({ model: m.spec.model, version: String(m.spec.version) }, m.waitingRows);
  }, 1000);
  onClose('measuring', () => clearInterval(measuring));

  // What the shadow lane asks of others, it asks as a router does.
  const ejections = new Ejections(() => performance.now());
  const client = new TargetClient({ connections: config.SHADOW_CONCURRENCY, waiting: config.SHADOW_CONCURRENCY });
  onClose('targets', () => client.close());
  const ejectionsTotal = counter(
    'slipway_shadow_ejections_total',
    'Targets that the shadow lane ejected: they failed, and others are asked first',
    ['endpoint'],
  );
  const asker = new Asker({ ejections, client, log, onEjected: (endpoint) => ejectionsTotal.inc({ endpoint }) });
  const forgetting = setInterval(() => {
    const targets = [...routes.values()].flatMap(targetsOf);
    const named = new Set(targets.flatMap((t) => t.addresses.map((a) => targetKey(t, a))));
    ejections.retain(named);
    client.retain(named);
  }, 1000);
  onClose('forgetting', () => clearInterval(forgetting));

  // The shadow lane: one group over all workers, so that each sampled request runs once.
  const lane = new KafkaBatchServer({
    kafka,
    groupId: 'slipway.shadow-lane',
    deadLetters: new DeadLetters(producer, 'shadow-lane'),
    log,
  });

  return {
    access,
    controllers: [ShadowLane],
    providers: [
      { provide: ModelSet, useValue: models },
      {
        provide: ShadowLane.PARTS,
        useValue: {
          legs: new LegClient({ models, routes, asker, ejections, workerKey: config.WORKER_KEY }),
          routes,
          producer,
          source: config.INSTANCE_ID,
          concurrency: config.SHADOW_CONCURRENCY,
          // Deadlines count from a record's arrival at Kafka, so they are told by Kafka's clock.
          now: () => producer.brokerNow(),
        },
      },
    ],
    transports: [lane],
    hotHandler: inferHandler(models, {
      access,
      bytes,
      maxBodyBytes: config.MAX_BODY_BYTES,
      maxRows: config.MAX_ROWS_PER_REQUEST,
      log,
    }),
    readiness: Object.entries(replicas).map(([name, replica]) => ({ name, ready: () => replica.isReady })),
    started: () => {
      models.start();
      trials.start();
      for (const replica of Object.values(replicas)) replica.start();
      heartbeat.start();
    },
  };
});
