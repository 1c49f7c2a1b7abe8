import type { Kafka, KafkaMessage } from 'kafkajs';
import { withAdmin } from './kafka.client.ts';

/**
 * Reads a topic from its beginning to what was its end at the call, partition by partition in order.
 *
 * @param patienceMs rejects when nothing has come for so long; without it, waits for as long as Kafka is away
 */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  each: (message: KafkaMessage) => void,
  patienceMs?: number,
): Promise<void> {
  const marks = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(topic));
  const open = new Map(marks.filter((m) => BigInt(m.high) > BigInt(m.low)).map((m) => [m.partition, BigInt(m.high)]));
  if (open.size === 0) return;
  const consumer = kafka.consumer({
    groupId: `slipway.read.${process.pid}.${Date.now().toString(36)}`,
    allowAutoTopicCreation: false,
  });
  await consumer.connect();
  let patience: NodeJS.Timeout | undefined;
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const wait = () => {
        clearTimeout(patience);
        if (patienceMs !== undefined)
          patience = setTimeout(() => reject(new Error(`nothing came from ${topic} for ${patienceMs} ms`)), patienceMs);
      };
      wait();
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            wait();
            const end = open.get(batch.partition);
            for (const m of batch.messages) if (end === undefined || BigInt(m.offset) < end) each(m);
            if (end !== undefined && BigInt(batch.lastOffset()) + 1n >= end) open.delete(batch.partition);
            if (open.size === 0) resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    clearTimeout(patience);
    await consumer.disconnect();
  }
}
