import { LOOPBACK_HOSTS } from '@slipway/model';
import { accessPolicies, commonConfigSchema, intFromEnv, listFromEnv } from '@slipway/platform';
import { z } from 'zod';

/** What libraries need to be found, and no key. */
const PASSED = /^(PATH|HOME|TZ|LANG|TMPDIR|SYSTEMROOT)$|^(LC_|LD_|DYLD_|CUDA_|NVIDIA_|OMP_)/i;

const settingsSchema = commonConfigSchema.extend({
  /** Where routers reach this worker. */
  ADDRESS: z.url(),
  /** Folder of artifacts by digest; kept over restarts. */
  CACHE_DIR: z.string().min(1),
  /** A viewer's key to fetch artifacts from the registry; it is sent to `REGISTRY_URLS` only. */
  REGISTRY_KEY: z.string().min(1),
  /** Who may call this worker: `open`, or `key` (any valid API key). Open by default only on a loopback address. */
  WORKER_ACCESS: z.enum(accessPolicies).optional(),
  /** An API key (a viewer's is sufficient) that this worker sends to other workers, and to no other target. */
  WORKER_KEY: z.string().min(1).optional(),
  /** Base URLs of the registries. */
  REGISTRY_URLS: listFromEnv.pipe(z.array(z.url())),
  /** Other hosts that artifacts may be fetched from: `host`, `host:port`, `*.domain`, or `*` for every host. */
  ARTIFACT_HOSTS: z.string().default(LOOPBACK_HOSTS).pipe(listFromEnv),
  MAX_ARTIFACT_BYTES: intFromEnv(1).default(4 * 1024 ** 3),
  /** Limit on all artifacts in `CACHE_DIR` together, in bytes; those in use stay, even beyond it. */
  CACHE_MAX_BYTES: intFromEnv(0).default(16 * 1024 ** 3),
  /** Time for a batch in milliseconds, after which the model's process is ended and restarted. */
  MODEL_RUN_DEADLINE_MS: intFromEnv(1).default(30_000),
  /** Time from the start of a version's process until it is loaded and its validation set has been run. */
  MODEL_LOAD_DEADLINE_MS: intFromEnv(1).default(120_000),
  /**
   * Limit on the resident memory of one version's process, in bytes; a process beyond it is ended. By default half of
   * the machine's memory.
   */
  MODEL_MEMORY_BYTES: intFromEnv(1).optional(),
  MAX_BODY_BYTES: intFromEnv(1024).default(8 * 1024 * 1024),
  /** Limit on the bytes of bodies, and of the tensors made from them, under way at once; more are refused with 503. */
  MAX_BYTES_IN_FLIGHT: intFromEnv(1024).default(1024 ** 3),
  /** Limit on the rows that wait for one version; more are refused with 503. */
  MAX_QUEUED_ROWS: intFromEnv(1).default(2048),
  MAX_ROWS_PER_REQUEST: intFromEnv(1).default(1024),
  /** Number of shadow requests that run at the same time here. */
  SHADOW_CONCURRENCY: intFromEnv(1, 1024).default(4),
  /** Threads inside one run of a model. By default half of the machine's processors. */
  ORT_THREADS: intFromEnv(1).optional(),
  /** What models' processes see of the environment. Made from it, whatever a variable of that name says. */
  MODEL_ENV: z.record(z.string(), z.string()),
});
export const configSchema = z.preprocess(
  (env) => ({ ...(env as object), MODEL_ENV: passedOn(env as Record<string, string | undefined>) }),
  settingsSchema,
);
export type Config = z.output<typeof configSchema>;

function passedOn(env: Record<string, string | undefined>): Record<string, string> {
  const passed = Object.entries(env).filter(([name, value]) => value !== undefined && PASSED.test(name));
  return Object.fromEntries(passed) as Record<string, string>;
}
