import { topicList } from '@slipway/contracts';
import { type Admin, Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs';
import type { Logger } from '../process/log.ts';
import { stopIdleChecks } from './idle-requests.client.ts';
import { topicConfig } from './topic-config.ts';

/** The brokers, how to log in there, and what is ours on them. */
export type KafkaConnection = {
  KAFKA_BROKERS: string[];
  /** What stands before the name of every topic and group: deployments with different ones can share a cluster. */
  TOPIC_PREFIX?: string;
  KAFKA_SASL_MECHANISM?: 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined;
  KAFKA_SASL_USERNAME?: string | undefined;
  KAFKA_SASL_PASSWORD?: string | undefined;
  KAFKA_TLS?: boolean;
  /** PEM. */
  KAFKA_TLS_CA?: string | undefined;
};

/** Connection settings in kafkajs' form. */
function kafkaSecurity(c: KafkaConnection): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  return {
    ...(c.KAFKA_TLS ? { ssl: c.KAFKA_TLS_CA ? { ca: [c.KAFKA_TLS_CA] } : true } : {}),
    ...(c.KAFKA_SASL_MECHANISM
      ? {
          sasl: {
            mechanism: c.KAFKA_SASL_MECHANISM,
            username: c.KAFKA_SASL_USERNAME,
            password: c.KAFKA_SASL_PASSWORD,
          } as SASLOptions,
        }
      : {}),
  };
}

/** A client of kafkajs that knows how what is ours is called on its brokers. */
export class KafkaClient extends Kafka {
  private readonly prefix: string;
  constructor(config: KafkaConfig, prefix: string) {
    super(config);
    this.prefix = prefix;
  }

  /** The name that a topic, or a consumer group, has on the brokers. */
  named(name: string): string {
    return this.prefix + name;
  }
}

/**
 * Creates a Kafka client with few retries of its own, because callers retry.
 * @param connection the brokers with how to log in; a plain list means no encryption and no login
 */
export function createKafka(clientId: string, connection: KafkaConnection | string[], log: Logger): KafkaClient {
  const config: KafkaConnection = Array.isArray(connection) ? { KAFKA_BROKERS: connection } : connection;
  stopIdleChecks();
  return new KafkaClient(
    {
      clientId,
      brokers: config.KAFKA_BROKERS,
      ...kafkaSecurity(config),
      connectionTimeout: 2000,
      requestTimeout: 8000,
      retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 5 },
      logLevel: logLevel.WARN,
      // Most errors that kafkajs logs mean that a broker is unavailable, which the caller reports anyway.
      logCreator:
        () =>
        ({ level, namespace, log: entry }) => {
          const { message, ...rest } = entry;
          log[level <= logLevel.WARN ? 'debug' : 'trace']({ kafkajs: namespace, error: rest.error }, message);
        },
    },
    config.TOPIC_PREFIX ?? '',
  );
}

/**
 * Creates the missing topics from the list in contracts. With three replicas or more, a record counts as written once
 * two replicas have it.
 */
export async function createTopics(kafka: KafkaClient, replicationFactor = 1): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = topicList.filter((t) => !existing.has(kafka.named(t.name)));
    if (missing.length === 0) return;
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((t) => ({
        topic: kafka.named(t.name),
        numPartitions: t.partitions,
        replicationFactor,
        configEntries: topicConfig(t, replicationFactor),
      })),
    });
  });
}

export async function withAdmin<T>(kafka: KafkaClient, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
