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
import { Analysis } from './analysis/analyse.store.ts';
import { CountsStore } from './analysis/counts.store.ts';
import { LatencyStore } from './analysis/latency.store.ts';
import { configSchema } from './config.ts';
import { RebuildController } from './rebuild/rebuild.controller.ts';
import { RebuildStore } from './rebuild/rebuild.store.ts';

await runService('experiment-stats', loadConfig(configSchema, process.env), async (config, { log, onClose }) => {
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const producer = new RecordProducer(kafka);
  onClose('producer', () => producer.close());
  const deadLetters = new DeadLetters(producer, 'experiment-stats');
  const clickhouse = createClickHouse(config.CLICKHOUSE_URL, 'slipway', config.CLICKHOUSE_TLS_CA);
  onClose('clickhouse', () => clickhouse.close());
  const analysis = new Analysis(new CountsStore(clickhouse), new LatencyStore(clickhouse));
  const analyst = new Analyst({
    analyser: ANALYSERS.traffic,
    look: (rollout, now) => analysis.look(rollout, now),
    forget: (id) => analysis.forget(id),
    producer,
    log,
    source: `${config.INSTANCE_ID}/${randomUUID()}`,
    lookMs: config.LOOK_MS,
    expiryMs: config.EXPIRY_MS,
  });
  const replica = new StateReplica({
    kafka,
    topic: topics.rollouts,
    groupId: config.INSTANCE_ID,
    log,
    deadLetters,
    onState: (id, rollout) => analyst.apply(id, rollout),
  });
  onClose('rollouts', () => replica.close());
  onClose('analyst', () => analyst.close());
  const access = new AccessReplica({ kafka, instanceId: config.INSTANCE_ID, log, deadLetters });
  onClose('access', () => access.close());
  return {
    controllers: [ResultController, RebuildController],
    providers: [
      { provide: AccessReplica, useValue: access },
      { provide: Analyst, useValue: analyst },
      { provide: RebuildStore, useValue: new RebuildStore(clickhouse, analysis) },
    ],
    readiness: [
      { name: 'rollouts', ready: () => replica.isReady },
      { name: 'clickhouse', ready: async () => (await queryRows(clickhouse, 'SELECT 1')).length === 1 },
    ],
    started: () => {
      access.start();
      replica.start();
      analyst.start();
    },
  };
});
