// Creates the missing topics and ClickHouse tables; may be run at every deployment. (The registry migrates Postgres
// itself.)
import { fileURLToPath } from 'node:url';
import { createKafka, createLogger, createTopics, loadConfig, migrateClickHouse } from '@slipway/platform';
import { configSchema } from './config.ts';

const config = loadConfig(configSchema, process.env);
const log = createLogger('migrate', 'migrate', 'info');

async function patiently<T>(what: string, work: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + config.PATIENCE_MS; ; ) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      log.warn({ error: (error as Error).message }, `${what} cannot be reached yet`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

await patiently('Kafka', () => createTopics(createKafka('slipway.migrate', config, log), config.REPLICATION_FACTOR));
log.info('the topics exist');
const folder = fileURLToPath(new URL('../../clickhouse', import.meta.url));
const applied = await patiently('ClickHouse', () =>
  migrateClickHouse(
    config.CLICKHOUSE_URL,
    folder,
    {
      KAFKA_BROKERS: config.CLICKHOUSE_KAFKA_BROKERS ?? config.KAFKA_BROKERS.join(','),
      TOPIC_PREFIX: config.TOPIC_PREFIX,
    },
    config.CLICKHOUSE_TLS_CA,
  ),
);
log.info({ applied }, 'the tables are migrated');
process.exit(0);
