import { analyserConfigSchema, intFromEnv } from '@slipway/platform';
import type { z } from 'zod';

export const configSchema = analyserConfigSchema.safeExtend({
  /** Length of a live window. A PSI needs at least 200 rows in each. */
  WINDOW_MS: intFromEnv(1000).default(300_000),
  /** Time between two looks at an endpoint; longer when a look takes long. */
  LOOK_MS: intFromEnv(50).default(10_000),
  /** How long evidence is valid, in milliseconds. */
  EXPIRY_MS: intFromEnv(1000).default(30_000),
  /** Retraining of a version is requested at most once for each reason in this time. */
  COOLDOWN_MS: intFromEnv(1000).default(3_600_000),
});
export type Config = z.infer<typeof configSchema>;
