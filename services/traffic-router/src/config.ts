import { accessPolicies, commonConfigSchema, intFromEnv } from '@slipway/platform';
import { z } from 'zod';
import { MOST_LOGGED_BYTES } from './journal/row-bounds.ts';

export const configSchema = commonConfigSchema.extend({
  /** Where others reach this router. */
  ADDRESS: z.url(),
  /** Journal and route snapshot lie here; a router's own. */
  DATA_DIR: z.string().min(1),
  /** Who may call: `open`, or `key` (any valid API key). Open by default only on a loopback address. */
  ROUTER_ACCESS: z.enum(accessPolicies).optional(),
  /** An API key (a viewer's is enough) that this router shows to inference-workers, and to no other target. */
  WORKER_KEY: z.string().min(1).optional(),
  MAX_BODY_BYTES: intFromEnv(1024).default(8 * 1024 * 1024),
  /**
   * Bytes of bodies that may be under way at once; beyond, requests are refused with 503. A quarter of them may be
   * under way to one version at one address; beyond, that target counts as overloaded.
   */
  MAX_BYTES_IN_FLIGHT: intFromEnv(1024).default(512 * 1024 ** 2),
  /** How long the body of a request may take to arrive; then 408. The clock of its answer starts when it is there. */
  UPLOAD_TIMEOUT_MS: intFromEnv(1).default(30_000),
  /** Bodies that have more in the row, escapes counted, are logged as digest, size and head. */
  MAX_LOGGED_BYTES: intFromEnv(0, MOST_LOGGED_BYTES).default(256 * 1024),
  JOURNAL_MAX_BYTES: intFromEnv(1024).default(2 * 1024 ** 3),
  /** Sampled requests that may wait for Kafka; beyond, the shadow is shed and counted. */
  SHADOW_JOURNAL_MAX_BYTES: intFromEnv(1024).default(256 * 1024 ** 2),
  /** When the journal cannot take a row: `count` answers and counts the gap, `refuse` answers 503 instead. */
  JOURNAL_FULL: z.enum(['count', 'refuse']).default('count'),
  /** Requests under way to one version at one address; the two arms share none. */
  CONNECTIONS_PER_TARGET: intFromEnv(1, 4096).default(128),
  /** Requests that may wait for one of those to end; beyond, the target counts as overloaded. */
  WAITING_PER_TARGET: intFromEnv(0, 65_536).default(512),
});
export type Config = z.infer<typeof configSchema>;
