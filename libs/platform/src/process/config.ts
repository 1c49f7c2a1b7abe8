import { z } from 'zod';
import { checkSecurity, securitySchema, securityShape } from '../security/security.ts';

/** A port, a number of milliseconds and so on, from an environment variable. */
export const intFromEnv = (min: number, max = Number.MAX_SAFE_INTEGER) => z.coerce.number().int().min(min).max(max);
export const listFromEnv = z.string().transform((s) =>
  s
    .split(',')
    .map((x) => x.trim())
    .filter((x) => x.length > 0),
);

export const kafkaBrokersFromEnv = listFromEnv.pipe(z.array(z.string()).min(1));

/** What every service reads from its environment. */
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
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    ...securityShape,
  })
  .superRefine(checkSecurity);
export type CommonConfig = z.infer<typeof commonConfigSchema>;

/**
 * Parses the environment; when it is bad, prints every bad variable and ends the process with status 78 (EX_CONFIG).
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

/** How to log in to the servers, from this process's environment, for programs that read nothing else from it. */
// biome-ignore lint/style/noRestrictedGlobals: a config.ts is where the environment is read
export const loadSecurity = () => loadConfig(securitySchema, process.env);
