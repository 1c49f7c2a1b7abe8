import { randomUUID } from 'node:crypto';
import { type Rollout } from '@slipway/release';
import { analyserApi, topics } from '@slipway/contracts';
import { z } from 'zod';
import { AccessReplica } from '../access/access.client.ts';
import { commonConfigSchema, intFromEnv } from '../process/config.ts';
import { DeadLetters } from '../kafka/dead-letters.client.ts';
import { createKafka, type KafkaClient } from '../kafka/kafka.client.ts';
import { RecordProducer } from '../kafka/producer.client.ts';
import { StateReplica } from '../kafka/state-replica.consumer.ts';
import type { Logger } from '../process/log.ts';
import type { ServiceContext, ServiceParts } from '../service/service.ts';
import { type ClickHouseClient, createClickHouse, queryRows } from '../store/clickhouse.client.ts';
import { AnalyserLoop, type AnalyserParts } from './analyser.loop.ts';
import { ResultController } from './result.controller.ts';

/** Environment variables that every analyser reads. */
export const analyserConfigSchema = commonConfigSchema.extend({
  CLICKHOUSE_URL: z.url(),
  /** Time between two looks at a rollout in milliseconds; longer when a look itself takes long. */
  LOOK_MS: intFromEnv(50).default(1000),
  /** How long evidence is valid, in milliseconds. */
  EXPIRY_MS: intFromEnv(1000).default(10_000),
});
export type AnalyserConfig = z.output<typeof analyserConfigSchema>;

/** Inputs of an analyser. */
export type AnalyserContext<C extends AnalyserConfig> = {
  config: C;
  log: Logger;
  kafka: KafkaClient;
  producer: RecordProducer;
  deadLetters: DeadLetters;
  clickhouse: ClickHouseClient;
  /** Name of this process in published messages. */
  source: string;
  onClose: ServiceContext['onClose'];
  /** Whether all rollouts have been read. */
  rolloutsKnown: () => boolean;
};

/** The parts of an analyser that differ from the others. */
export type Analyser = Pick<AnalyserParts, 'look' | 'forget' | 'prepare'> &
  Omit<ServiceParts, 'access'> & {
    /** Features other than the look. */ onRollout?: (id: string, rollout: Rollout | undefined) => void;
  };

/**
 * Assembles an analyser: it follows the rollouts, looks at each that is under way, publishes its verdicts as evidence,
 * and serves them over REST to callers with a key.
 *
 * @param analyser its name in evidence
 * @param build makes the parts that differ from other analysers
 */
export function analyserModule<C extends AnalyserConfig>(
  analyser: string,
  build: (context: AnalyserContext<C>) => Analyser,
): (config: C, context: ServiceContext) => Promise<ServiceParts> {
  return async (config, { name, log, onClose }) => {
    const kafka = createKafka(config.INSTANCE_ID, config, log);
    const producer = new RecordProducer(kafka);
    onClose('producer', () => producer.close());
    const deadLetters = new DeadLetters(producer, name);
    const clickhouse = createClickHouse(config.CLICKHOUSE_URL, 'slipway', config.CLICKHOUSE_TLS_CA);
    onClose('clickhouse', () => clickhouse.close());
    const source = `${config.INSTANCE_ID}/${randomUUID()}`;
    const replica: StateReplica<typeof topics.rollouts.schema> = new StateReplica({
      kafka,
      topic: topics.rollouts,
      groupId: config.INSTANCE_ID,
      log,
      deadLetters,
      onState: (id, rollout) => {
        parts.onRollout?.(id, rollout);
        loop.apply(id, rollout);
      },
    });
    const rolloutsKnown = () => replica.isReady;
    const context = { config, log, kafka, producer, deadLetters, clickhouse, source, onClose, rolloutsKnown };
    const { look, forget, prepare, ...parts } = build(context);
    const loop = new AnalyserLoop({
      analyser,
      look,
      ...(forget ? { forget } : {}),
      ...(prepare ? { prepare } : {}),
      producer,
      log,
      source,
      lookMs: config.LOOK_MS,
      expiryMs: config.EXPIRY_MS,
    });
    const access = new AccessReplica({ kafka, instanceId: config.INSTANCE_ID, log, deadLetters });
    onClose('replicas', async () => void (await Promise.all([replica.close(), access.close()])));
    onClose('loop', () => loop.close());
    return {
      access,
      api: parts.api ?? analyserApi,
      controllers: [ResultController, ...(parts.controllers ?? [])],
      providers: [{ provide: AnalyserLoop, useValue: loop }, ...(parts.providers ?? [])],
      transports: parts.transports ?? [],
      readiness: [
        { name: 'rollouts', ready: rolloutsKnown },
        { name: 'clickhouse', ready: async () => (await queryRows(clickhouse, 'SELECT 1')).length === 1 },
        ...(parts.readiness ?? []),
      ],
      started: async () => {
        access.start();
        replica.start();
        await parts.started?.();
        loop.start();
      },
    };
  };
}
