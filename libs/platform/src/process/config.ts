import { z } from 'zod';
import { checkSecurity, securityShape } from '../security/security.ts';

/** A number from an environment variable, such as a port or milliseconds. */
export const intFromEnv = (min: number, max = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().min(min).max(max);
export const listFromEnv = z.string().transform((s) =>
  s
    .split(',')
    .map((x) => x.trim())
    .filter((x) => x.length > 0),
);

export const kafkaBrokersFromEnv = listFromEnv.pipe(z.array(z.string()).min(1));

/**
 * What stands before the name of every topic and consumer group, so that deployments can share a cluster of Kafka:
 * `staging.` makes `staging.slipway.routes.v1`.
 */
export const topicPrefixFromEnv = z
  .string()
  .max(100)
  .regex(/^([A-Za-z0-9_-]+\.)*$/, 'words of letters, digits, - and _, each with a dot behind it, such as "staging."')
  .default('');

/** Environment variables that every service reads. */
export const commonConfigSchema = z
  .object({
    INSTANCE_ID: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[A-Za-z0-9._-]+$/),
    HOST: z.string().default('127.0.0.1'),
    PORT: intFromEnv(1, 65_535),
    KAFKA_BROKERS: kafkaBrokersFromEnv,
    TOPIC_PREFIX: topicPrefixFromEnv,
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    ...securityShape,
  })
  .superRefine(checkSecurity);
export type CommonConfig = z.infer<typeof commonConfigSchema>;

/**
 * Parses the environment. If it is invalid, prints every invalid variable and ends the process with status 78
 * (EX_CONFIG).
 */
export function loadConfig<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const result = schema.safeParse(env);
  if (result.success) return result.data;
  // biome-ignore-start lint/style/noRestrictedGlobals: what a bad environment does is said here once, for every program
  for (const issue of result.error.issues)
    process.stderr.write(`${issue.path.join('.') || 'environment'}: ${issue.message}\n`);
  process.exit(78);
  // biome-ignore-end lint/style/noRestrictedGlobals: as above
}

/** How to log in to the servers and what is ours there, for programs that read nothing else from the environment. */
export const connectionSchema = z
  .object({ TOPIC_PREFIX: topicPrefixFromEnv, ...securityShape })
  .superRefine(checkSecurity);
// biome-ignore lint/style/noRestrictedGlobals: a config.ts is where the environment is read
export const loadConnection = () => loadConfig(connectionSchema, process.env);
