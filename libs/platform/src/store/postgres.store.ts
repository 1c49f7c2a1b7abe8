import { Socket } from 'node:net';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { PostgresTls } from '../security/security.ts';

// Not in the index of the library: TypeORM is a fifth of what a service without Postgres would load at its start.
export { DataSource, type EntityManager } from 'typeorm';

/** Longer than the server lets a statement run or a transaction idle: a connection that is so long silent is dead. */
const SILENCE_MS = 20_000;

/**
 * A socket that ends by itself when nothing came or went for so long: where a network drops packets without a word, or
 * a server hangs, whoever waits for an answer hears of it (as a transient fault), and the pool makes a new connection.
 */
function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silenceMs, () =>
    socket.destroy(Object.assign(new Error(`Postgres said nothing for ${silenceMs} ms`), { code: 'ETIMEDOUT' })),
  );
  return socket;
}

/**
 * A TypeORM data source on Postgres; migrations are run, `synchronize` never is.
 * @param tls as `postgresTls` gives it; `false` speaks in the clear
 * @param silenceMs after which a connection counts as dead
 */
export async function openPostgres(
  url: string,
  applicationName: string,
  entities: DataSourceOptions['entities'],
  migrations: DataSourceOptions['migrations'],
  tls: PostgresTls = false,
  silenceMs = SILENCE_MS,
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
      stream: () => impatientSocket(silenceMs),
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
