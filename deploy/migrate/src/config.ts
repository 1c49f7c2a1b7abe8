import { checkSecurity, intFromEnv, kafkaBrokersFromEnv, securityShape, topicPrefixFromEnv } from '@slipway/platform';
import { z } from 'zod';

export const configSchema = z
  .object({
    KAFKA_BROKERS: kafkaBrokersFromEnv,
    TOPIC_PREFIX: topicPrefixFromEnv,
    /** The brokers as ClickHouse reaches them, when that differs. */
    CLICKHOUSE_KAFKA_BROKERS: z.string().optional(),
    CLICKHOUSE_URL: z.url(),
    REPLICATION_FACTOR: intFromEnv(1, 5).default(1),
    /** How long to wait for the servers to start. */
    PATIENCE_MS: intFromEnv(0).default(120_000),
    ...securityShape,
  })
  .superRefine(checkSecurity);
export type Config = z.infer<typeof configSchema>;
