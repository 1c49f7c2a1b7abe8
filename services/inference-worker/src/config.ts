import { availableParallelism } from 'node:os';
import { commonConfigSchema, intFromEnv } from '@slipway/platform';
import { z } from 'zod';

export const configSchema = commonConfigSchema.extend({
  /** Where routers reach this worker. */
  ADDRESS: z.url(),
  /** Artefacts by digest, kept over restarts. */
  CACHE_DIR: z.string().min(1),
  /** A viewer's key, to fetch artefacts from the registry. */
  REGISTRY_KEY: z.string().min(1),
  MAX_BODY_BYTES: intFromEnv(1024).default(8 * 1024 * 1024),
  /** Rows that may wait for one version; more are refused with 503. */
  MAX_QUEUED_ROWS: intFromEnv(1).default(2048),
  MAX_ROWS_PER_REQUEST: intFromEnv(1).default(1024),
  /** Shadow requests that run at the same time here; the lane's whole budget. */
  SHADOW_CONCURRENCY: intFromEnv(1, 1024).default(4),
  /** Threads inside one run of a model. */
  ORT_THREADS: intFromEnv(1).default(Math.max(1, Math.floor(availableParallelism() / 2))),
});
export type Config = z.infer<typeof configSchema>;
