import { LOOPBACK_HOSTS } from '@slipway/model';
import { accessPolicies, commonConfigSchema, intFromEnv, listFromEnv } from '@slipway/platform';
import { z } from 'zod';

/** What libraries need to be found, and no key. */
const PASSED = /^(PATH|HOME|TZ|LANG|TMPDIR|SYSTEMROOT)$|^(LC_|LD_|DYLD_|CUDA_|NVIDIA_|OMP_)/i;

const settingsSchema = commonConfigSchema.extend({
  /** Where routers reach this worker. */
  ADDRESS: z.url(),
  /** Artifacts by digest, kept over restarts. */
  CACHE_DIR: z.string().min(1),
  /** A viewer's key, to fetch artifacts from the registry; it is sent to `REGISTRY_URLS` and nowhere else. */
  REGISTRY_KEY: z.string().min(1),
  /** Who may ask this worker: `open`, or `key` (any valid API key). Open by default only on a loopback address. */
  WORKER_ACCESS: z.enum(accessPolicies).optional(),
  /** An API key (a viewer's is enough) that this worker shows to other workers, and to no other target. */
  WORKER_KEY: z.string().min(1).optional(),
  /** Base URLs of the registries. */
  REGISTRY_URLS: listFromEnv.pipe(z.array(z.url())),
  /** Other hosts that artifacts may be fetched from: `host`, `host:port`, `*.domain`, or `*` for every host. */
  ARTIFACT_HOSTS: z.string().default(LOOPBACK_HOSTS).pipe(listFromEnv),
  MAX_ARTIFACT_BYTES: intFromEnv(1).default(4 * 1024 ** 3),
  /** Of all artifacts in `CACHE_DIR` together; what is kept loaded stays, also beyond it. */
  CACHE_MAX_BYTES: intFromEnv(0).default(16 * 1024 ** 3),
  /** A batch that a model has not answered after so long ends the model's process, which is then started again. */
  MODEL_RUN_DEADLINE_MS: intFromEnv(1).default(30_000),
  /** From the start of a version's process until it is loaded and its validation set is run. */
  MODEL_LOAD_DEADLINE_MS: intFromEnv(1).default(120_000),
  /** Resident memory of one version's process; whichever takes more is ended. Half of the machine's, if not given. */
  MODEL_MEMORY_BYTES: intFromEnv(1).optional(),
  MAX_BODY_BYTES: intFromEnv(1024).default(8 * 1024 * 1024),
  /** Bytes of bodies, and of the tensors made from them, that may be under way at once; more are refused with 503. */
  MAX_BYTES_IN_FLIGHT: intFromEnv(1024).default(1024 ** 3),
  /** Rows that may wait for one version; more are refused with 503. */
  MAX_QUEUED_ROWS: intFromEnv(1).default(2048),
  MAX_ROWS_PER_REQUEST: intFromEnv(1).default(1024),
  /** Shadow requests that run at the same time here; the lane's whole budget. */
  SHADOW_CONCURRENCY: intFromEnv(1, 1024).default(4),
  /** Threads inside one run of a model. Half of the machine's processors, if not given. */
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
