import { availableParallelism } from 'node:os';
import { LOOPBACK_HOSTS } from '@slipway/contracts';
import { accessPolicies, commonConfigSchema, intFromEnv, listFromEnv } from '@slipway/platform';
import { z } from 'zod';

export const configSchema = commonConfigSchema.extend({
  /** Where routers reach this worker. */
  ADDRESS: z.url(),
  /** Artefacts by digest, kept over restarts. */
  CACHE_DIR: z.string().min(1),
  /** A viewer's key, to fetch artefacts from the registry; it is sent to `REGISTRY_URLS` and nowhere else. */
  REGISTRY_KEY: z.string().min(1),
  /** Who may ask this worker: `open`, or `key` (any valid API key). Open by default only on a loopback address. */
  WORKER_ACCESS: z.enum(accessPolicies).optional(),
  /** An API key (a viewer's is enough) that this worker shows to other workers, and to no other target. */
  WORKER_KEY: z.string().min(1).optional(),
  /** Base URLs of the registries. */
  REGISTRY_URLS: listFromEnv.pipe(z.array(z.url())),
  /** Other hosts that artefacts may be fetched from: `host`, `host:port`, `*.domain`, or `*` for every host. */
  ARTIFACT_HOSTS: z.string().default(LOOPBACK_HOSTS).pipe(listFromEnv),
  MAX_ARTIFACT_BYTES: intFromEnv(1).default(4 * 1024 ** 3),
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
