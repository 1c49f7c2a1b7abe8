import { randomUUID } from 'node:crypto';
import { ANALYSERS, type Rollout, topics } from '@slipway/contracts';
import {
  AccessReplica,
  Analyst,
  createClickHouse,
  createKafka,
  DeadLetters,
  KafkaBatchServer,
  loadConfig,
  queryRows,
  RecordProducer,
  ResultController,
  runService,
  StateReplica,
} from '@slipway/platform';
import { PairConsumer } from './comparison/pair.consumer.ts';
import { configSchema } from './config.ts';
import { ShadowCountsStore } from './verdict/shadow-counts.store.ts';
import { ShadowVerdict } from './verdict/shadow-verdict.store.ts';

await runService('shadow-comparator', loadConfig(configSchema, process.env), async (config, { log, onClose }) => {
  const kafka = createKafka(config.INSTANCE_ID, config, log);
  const producer = new RecordProducer(kafka);
  onClose('producer', () => producer.close());
  const deadLetters = new DeadLetters(producer, 'shadow-comparator');
  const clickhouse = createClickHouse(config.CLICKHOUSE_URL, 'slipway', config.CLICKHOUSE_TLS_CA);
  onClose('clickhouse', () => clickhouse.close());
  const source = `${config.INSTANCE_ID}/${randomUUID()}`;
  const verdict = new ShadowVerdict(new ShadowCountsStore(clickhouse));
  const analyst = new Analyst({
    analyser: ANALYSERS.shadow,
    look: (rollout, now) => verdict.look(rollout, now),
    producer,
    log,
    source,
    lookMs: config.LOOK_MS,
    expiryMs: config.EXPIRY_MS,
  });
  const rollouts = new Map<string, Rollout>();
  const replica = new StateReplica({
    kafka,
    topic: topics.rollouts,
    groupId: config.INSTANCE_ID,
    log,
    deadLetters,
    onState: (id, rollout) => {
      if (rollout) rollouts.set(id, rollout);
      else rollouts.delete(id);
      analyst.apply(id, rollout);
    },
  });
  onClose('rollouts', () => replica.close());
  onClose('analyst', () => analyst.close());
  const transport = new KafkaBatchServer({ kafka, groupId: 'slipway.shadow-comparator', deadLetters, log });
  const access = new AccessReplica({ kafka, instanceId: config.INSTANCE_ID, log, deadLetters });
  onClose('access', () => access.close());
  return {
    controllers: [ResultController, PairConsumer],
    providers: [
      { provide: AccessReplica, useValue: access },
      { provide: Analyst, useValue: analyst },
      {
        provide: PairConsumer.PARTS,
        useValue: { rollouts, rolloutsKnown: () => replica.isReady, producer, source: config.INSTANCE_ID, log },
      },
    ],
    transports: [transport],
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
