import { commonConfigSchema, intFromEnv } from '@slipway/platform';
import { z } from 'zod';

export const configSchema = commonConfigSchema.extend({
  CLICKHOUSE_URL: z.url(),
  /** Time between two looks at a rollout; longer when a look takes long. */
  LOOK_MS: intFromEnv(50).default(1000),
  /** Evidence counts for so long. */
  EXPIRY_MS: intFromEnv(1000).default(10_000),
});
export type Config = z.infer<typeof configSchema>;
