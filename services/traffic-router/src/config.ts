import { accessPolicies, commonConfigSchema, intFromEnv } from '@slipway/platform';
import { z } from 'zod';
import { MOST_LOGGED_BYTES } from './journal/row-bounds.ts';

export const configSchema = commonConfigSchema.extend({
  /** Address at which others reach this router. */
  ADDRESS: z.url(),
  /** Folder of the journal and the route snapshot; used by this router only. */
  DATA_DIR: z.string().min(1),
  /** Who may call: `open`, or `key` (any valid API key). Open by default only on a loopback address. */
  ROUTER_ACCESS: z.enum(accessPolicies).optional(),
  /** An API key (a viewer's is sufficient) that this router sends to inference-workers, and to no other target. */
  WORKER_KEY: z.string().min(1).optional(),
  MAX_BODY_BYTES: intFromEnv(1024).default(8 * 1024 * 1024),
  /**
   * Limit on the bytes of bodies under way; beyond it, requests are refused with 503. A quarter of it applies to one
   * version at one address; beyond that, the target counts as overloaded.
   */
  MAX_BYTES_IN_FLIGHT: intFromEnv(1024).default(512 * 1024 ** 2),
  /** Time for the body of a request to arrive; otherwise 408. The request's own deadline starts when it has arrived. */
  UPLOAD_TIMEOUT_MS: intFromEnv(1).default(30_000),
  /** Bodies that would be longer in the row, escapes included, are logged as digest, size and head. */
  MAX_LOGGED_BYTES: intFromEnv(0, MOST_LOGGED_BYTES).default(256 * 1024),
  JOURNAL_MAX_BYTES: intFromEnv(1024).default(2 * 1024 ** 3),
  /** Limit on sampled requests that wait for Kafka; beyond it, the shadow is shed and counted. */
  SHADOW_JOURNAL_MAX_BYTES: intFromEnv(1024).default(256 * 1024 ** 2),
  /** When the journal cannot take a row: `count` answers and counts the gap, `refuse` answers 503 instead. */
  JOURNAL_FULL: z.enum(['count', 'refuse']).default('count'),
  /** Limit on concurrent requests to one version at one address; the arms do not share it. */
  CONNECTIONS_PER_TARGET: intFromEnv(1, 4096).default(128),
  /** Limit on the requests that wait for one of those; beyond it, the target counts as overloaded. */
  WAITING_PER_TARGET: intFromEnv(0, 65_536).default(512),
});
export type Config = z.infer<typeof configSchema>;
