import { DataSource, type DataSourceOptions } from 'typeorm';
import type { PostgresTls } from '../security/security.ts';

export { DataSource, type EntityManager } from 'typeorm';

/**
 * A TypeORM data source on Postgres; migrations are run, `synchronize` never is.
 * @param tls as `postgresTls` gives it; `false` speaks in the clear
 */
export async function openPostgres(
  url: string,
  applicationName: string,
  entities: DataSourceOptions['entities'],
  migrations: DataSourceOptions['migrations'],
  tls: PostgresTls = false,
): Promise<DataSource> {
  // The driver names the host to check the certificate by, but not where that is an address.
  const ssl = tls && { ...tls, host: new URL(url).hostname };
  const source = new DataSource({
    type: 'postgres',
    url,
    applicationName,
    ssl,
    ...(entities ? { entities } : {}),
    ...(migrations ? { migrations } : {}),
    synchronize: false,
    migrationsRun: false,
    logging: false,
    poolErrorHandler: () => undefined,
    extra: {
      max: 10,
      connectionTimeoutMillis: 3000,
      idle_in_transaction_session_timeout: 15_000,
      statement_timeout: 15_000,
    },
  });
  await source.initialize();
  // Two services that start together must not migrate at once.
  const runner = source.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock(727001)');
    await source.runMigrations({ transaction: 'each' });
  } finally {
    await runner.query('SELECT pg_advisory_unlock(727001)').catch(() => undefined);
    await runner.release();
  }
  return source;
}
