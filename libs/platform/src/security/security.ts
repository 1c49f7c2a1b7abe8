import { z } from 'zod';
import { caFromFile } from './ca-file.store.ts';

/** `true` or `false` from an environment variable; anything else is refused. */
const booleanFromEnv = z
  .enum(['true', 'false'])
  .default('false')
  .transform((s) => s === 'true');

/** Login and encryption settings for the stores. */
export const securityShape = {
  /** SASL mechanism for Kafka, with the next two settings; without it there is no login. */
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  KAFKA_SASL_USERNAME: z.string().min(1).optional(),
  KAFKA_SASL_PASSWORD: z.string().min(1).optional(),
  /** `true` encrypts the connection to Kafka and checks the brokers' certificates. */
  KAFKA_TLS: booleanFromEnv,
  /** PEM file of the brokers' certificate authority; by default those that Node.js trusts. */
  KAFKA_TLS_CA: caFromFile.optional(),
  /** `true` encrypts the connection to Postgres and checks its certificate. */
  DATABASE_TLS: booleanFromEnv,
  /** PEM file of the certificate authority for Postgres. */
  DATABASE_TLS_CA: caFromFile.optional(),
  /** PEM file of the certificate authority for ClickHouse; needs `CLICKHOUSE_URL` to be `https://…`. */
  CLICKHOUSE_TLS_CA: caFromFile.optional(),
};

type Checked = z.output<z.ZodObject<typeof securityShape>> & {
  DATABASE_URL?: string | undefined;
  CLICKHOUSE_URL?: string | undefined;
};

/** Refuses incomplete settings, which would suggest a protection that is not in effect. */
export function checkSecurity(config: object, ctx: z.RefinementCtx): void {
  const c = config as Checked;
  const refuse = (name: string, message: string) => ctx.addIssue({ code: 'custom', path: [name], message });
  for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const) {
    if (c.KAFKA_SASL_MECHANISM && !c[name]) refuse(name, 'KAFKA_SASL_MECHANISM is set, so this has to be set too');
    if (!c.KAFKA_SASL_MECHANISM && c[name]) refuse(name, 'has no effect without KAFKA_SASL_MECHANISM: set that too');
  }
  if (c.KAFKA_TLS_CA && !c.KAFKA_TLS) refuse('KAFKA_TLS_CA', 'has no effect without KAFKA_TLS=true: set that too');
  if (c.DATABASE_TLS_CA && !c.DATABASE_TLS)
    refuse('DATABASE_TLS_CA', 'has no effect without DATABASE_TLS=true: set that too');
  if (/[?&]ssl/i.test(c.DATABASE_URL ?? ''))
    refuse('DATABASE_URL', 'its ssl parameters are not read: set DATABASE_TLS=true, and DATABASE_TLS_CA');
  if (c.CLICKHOUSE_TLS_CA && !/^https:/i.test(c.CLICKHOUSE_URL ?? ''))
    refuse('CLICKHOUSE_TLS_CA', 'has no effect unless CLICKHOUSE_URL begins with https://');
}

export type PostgresTls = false | { rejectUnauthorized: true; ca?: string };

/** TLS settings in the form that the Postgres driver takes. */
export function postgresTls(c: { DATABASE_TLS: boolean; DATABASE_TLS_CA?: string | undefined }): PostgresTls {
  if (!c.DATABASE_TLS) return false;
  return { rejectUnauthorized: true, ...(c.DATABASE_TLS_CA ? { ca: c.DATABASE_TLS_CA } : {}) };
}
