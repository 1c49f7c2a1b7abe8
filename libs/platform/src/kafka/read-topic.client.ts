import type { Topic } from '@slipway/contracts';
import type { KafkaMessage } from 'kafkajs';
import type { z } from 'zod';
import { type KafkaClient, withAdmin } from './kafka.client.ts';
import { parseRecord } from './record.ts';

/**
 * Reads a topic from its beginning to its end at the time of the call, in order within each partition.
 *
 * @param each gets the parsed value (`undefined` when it does not fit the topic's schema) and the record
 * @param patienceMs rejects when no record has arrived for so long; without it, waits as long as Kafka is unavailable
 */
export async function readTopic<S extends z.ZodType>(
  kafka: KafkaClient,
  topic: Topic<S>,
  each: (value: z.output<S> | undefined, message: KafkaMessage) => void,
  patienceMs?: number,
): Promise<void> {
  const marks = await withAdmin(kafka, (admin) => admin.fetchTopicOffsets(kafka.named(topic.name)));
  const open = new Map(marks.filter((m) => BigInt(m.high) > BigInt(m.low)).map((m) => [m.partition, BigInt(m.high)]));
  if (open.size === 0) return;
  const consumer = kafka.consumer({
    groupId: kafka.named(`slipway.read.${process.pid}.${Date.now().toString(36)}`),
    allowAutoTopicCreation: false,
  });
  await consumer.connect();
  let patience: NodeJS.Timeout | undefined;
  try {
    await consumer.subscribe({ topic: kafka.named(topic.name), fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const wait = () => {
        clearTimeout(patience);
        if (patienceMs !== undefined)
          patience = setTimeout(
            () => reject(new Error(`no record arrived from ${topic.name} for ${patienceMs} ms`)),
            patienceMs,
          );
      };
      wait();
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            wait();
            const end = open.get(batch.partition);
            for (const m of batch.messages) {
              if (end !== undefined && BigInt(m.offset) >= end) continue;
              const parsed = parseRecord(topic, m.value);
              each(parsed.ok ? parsed.value : undefined, m);
            }
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
