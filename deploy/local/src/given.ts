import { resolve } from 'node:path';
import { securityShape } from '@slipway/platform';

/** Existing servers, and how to log in there: the same variables as a service's own, as they were set. */
export type Given = {
  kafkaBrokers?: string | undefined;
  databaseUrl?: string | undefined;
  clickhouseUrl?: string | undefined;
  /** Prefix of topics and groups there; empty when absent. */
  topicPrefix?: string | undefined;
  /** Those of `securityShape`; the paths in them are absolute. */
  security?: Record<string, string>;
};

/** The servers that a process uses. */
export type Uses = { database?: boolean; clickhouse?: boolean };

/** The servers named by the environment. @param from the folder that relative paths count from */
export function givenServers(env: NodeJS.ProcessEnv, from: string): Given {
  const security: Record<string, string> = {};
  for (const name of Object.keys(securityShape)) {
    const value = env[name];
    if (value !== undefined) security[name] = name.endsWith('_CA') ? resolve(from, value) : value;
  }
  return {
    kafkaBrokers: env['KAFKA_BROKERS'],
    databaseUrl: env['DATABASE_URL'],
    clickhouseUrl: env['CLICKHOUSE_URL'],
    topicPrefix: env['TOPIC_PREFIX'],
    security,
  };
}

/** Login and encryption settings for a process: those of the given servers that it uses, and no others. */
export function securityFor(given: Given, uses: Uses): Record<string, string> {
  const wanted = (name: string) =>
    (name.startsWith('KAFKA_') && given.kafkaBrokers !== undefined) ||
    (name.startsWith('DATABASE_') && uses.database === true && given.databaseUrl !== undefined) ||
    (name.startsWith('CLICKHOUSE_') && uses.clickhouse === true && given.clickhouseUrl !== undefined);
  return Object.fromEntries(Object.entries(given.security ?? {}).filter(([name]) => wanted(name)));
}
