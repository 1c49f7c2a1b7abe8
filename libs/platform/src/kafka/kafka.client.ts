import { type Topic, topics } from '@slipway/contracts';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { Logger } from '../log.ts';

export type { Kafka } from 'kafkajs';

/** A client whose patience is short: what is away is asked again soon, by whoever needs it. */
export function createKafka(clientId: string, brokers: string[], log: Logger): Kafka {
  return new Kafka({
    clientId,
    brokers,
    connectionTimeout: 2000,
    requestTimeout: 8000,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 5 },
    logLevel: logLevel.WARN,
    // What kafkajs calls an error is mostly a broker that is away: whoever needed it reports that.
    logCreator:
      () =>
      ({ level, namespace, log: entry }) => {
        const { message, ...rest } = entry;
        log[level <= logLevel.WARN ? 'debug' : 'trace']({ kafkajs: namespace, error: rest.error }, message);
      },
  });
}

function configEntries(t: Topic): { name: string; value: string }[] {
  const arrival = { name: 'message.timestamp.type', value: 'LogAppendTime' };
  if (t.carries === 'state') {
    return [
      arrival,
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'segment.ms', value: '600000' },
      { name: 'min.cleanable.dirty.ratio', value: '0.1' },
      { name: 'delete.retention.ms', value: '3600000' },
    ];
  }
  return [arrival, { name: 'cleanup.policy', value: 'delete' }, { name: 'retention.ms', value: String(t.retentionMs) }];
}

/** Creates the topics that are missing, from the one list in contracts. */
export async function createTopics(kafka: Kafka, replicationFactor = 1): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = (Object.values(topics) as Topic[]).filter((t) => !existing.has(t.name));
    if (missing.length === 0) return;
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((t) => ({
        topic: t.name,
        numPartitions: t.partitions,
        replicationFactor,
        configEntries: configEntries(t),
      })),
    });
  });
}

export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
