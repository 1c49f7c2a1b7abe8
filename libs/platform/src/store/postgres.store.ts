import { Socket } from 'node:net';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { PostgresTls } from '../security/security.ts';

// Not exported by the library's index: loading TypeORM is a fifth of the start of a service without Postgres.
export { DataSource, type EntityManager } from 'typeorm';

/**
 * Longer than the server's limits on statements and idle transactions: a connection without data for so long is broken.
 */
const SILENCE_MS = 20_000;

/**
 * A socket that closes itself after a time without data. Where a network drops packets silently or a server hangs, the
 * caller gets a transient fault, and the pool opens a new connection.
 */
function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () =>
    socket.destroy(Object.assign(new Error(`Postgres said nothing for ${silenceMs} ms`), { code: 'ETIMEDOUT' })),
  );
  return socket;
}

/**
 * A TypeORM data source on Postgres. Migrations are run; `synchronize` is never used.
 * @param tls as returned by `postgresTls`; `false` for no encryption
 * @param silenceMs milliseconds without data after which a connection is closed
 */
export async function openPostgres(
  url: string,
  applicationName: string,
  entities: DataSourceOptions['entities'],
  migrations: DataSourceOptions['migrations'],
  tls: PostgresTls = false,
  silenceMs = SILENCE_MS,
): Promise<DataSource> {
  // The driver passes the host name for checking the certificate, but not when it is an IP address.
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
      stream: () => impatientSocket(silenceMs),
      idle_in_transaction_session_timeout: 15_000,
      statement_timeout: 15_000,
    },
  });
  await source.initialize();
  // Two services that start together must not both migrate.
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
