import { randomUUID } from 'node:crypto';
import { ANALYSERS, topics } from '@slipway/contracts';
import {
  AccessReplica,
  Analyst,
  createClickHouse,
  createKafka,
  DeadLetters,
  loadConfig,
  queryRows,
  RecordProducer,
  ResultController,
  runService,
  StateReplica,
} from '@slipway/platform';
import { configSchema } from './config.ts';
import { HistogramStore } from './histogram/histogram.store.ts';
import { DriftController } from './watch/drift.controller.ts';
import { DriftWatch } from './watch/drift-watch.client.ts';

await runService('drift-monitor', loadConfig(configSchema, process.env), async (config, { log, onClose }) => {
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const producer = new RecordProducer(kafka);
  onClose('producer', () => producer.close());
  const deadLetters = new DeadLetters(producer, 'drift-monitor');
  const clickhouse = createClickHouse(config.CLICKHOUSE_URL, 'slipway', config.CLICKHOUSE_TLS_CA);
  onClose('clickhouse', () => clickhouse.close());
  const source = `${config.INSTANCE_ID}/${randomUUID()}`;
  const watch = new DriftWatch({
    histograms: new HistogramStore(clickhouse, config.WINDOW_MS),
    producer,
    log,
    source,
    lookMs: config.LOOK_MS,
    cooldownMs: config.COOLDOWN_MS,
  });
  const analyst = new Analyst({
    analyser: ANALYSERS.drift,
    look: (rollout) => watch.finding(rollout),
    producer,
    log,
    source,
    lookMs: config.LOOK_MS,
    expiryMs: config.EXPIRY_MS,
  });
  const routes = new StateReplica({
    kafka,
    topic: topics.routes,
    groupId: config.INSTANCE_ID,
    log,
    deadLetters,
    onState: (endpoint, route) => watch.apply(endpoint, route),
  });
  const rollouts = new StateReplica({
    kafka,
    topic: topics.rollouts,
    groupId: config.INSTANCE_ID,
    log,
    deadLetters,
    onState: (id, rollout) => analyst.apply(id, rollout),
  });
  onClose('replicas', async () => void (await Promise.all([routes.close(), rollouts.close()])));
  onClose('watch', async () => void (await Promise.all([analyst.close(), watch.close()])));
  const access = new AccessReplica({ kafka, instanceId: config.INSTANCE_ID, log, deadLetters });
  onClose('access', () => access.close());
  return {
    controllers: [DriftController, ResultController],
    providers: [
      { provide: AccessReplica, useValue: access },
      { provide: Analyst, useValue: analyst },
      { provide: DriftWatch, useValue: watch },
    ],
    readiness: [
      { name: 'routes', ready: () => routes.isReady },
      { name: 'rollouts', ready: () => rollouts.isReady },
      { name: 'clickhouse', ready: async () => (await queryRows(clickhouse, 'SELECT 1')).length === 1 },
    ],
    started: () => {
      access.start();
      routes.start();
      rollouts.start();
      watch.start();
      analyst.start();
    },
  };
});
