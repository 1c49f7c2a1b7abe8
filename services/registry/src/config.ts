import { keyWeakness, roles } from '@slipway/contracts';
import { LOOPBACK_HOSTS } from '@slipway/model';
import { commonConfigSchema, intFromEnv, listFromEnv } from '@slipway/platform';
import { z } from 'zod';

export const configSchema = commonConfigSchema.extend({
  DATABASE_URL: z.url(),
  /** Folder of the artifact store; several registries share it. */
  ARTIFACT_DIR: z.string().min(1),
  /** The Ed25519 key that signs the audit: PKCS#8 in PEM, made at the first start; several registries share it. */
  AUDIT_KEY_FILE: z.string().min(1),
  /**
   * Folder with the public half of every key that signs or has signed the audit; `audit-keys` beside that file by
   * default.
   */
  AUDIT_KEYS_DIR: z.string().min(1).optional(),
  /** Base URLs of all registries, as workers reach them: artifacts are fetched from any. */
  PUBLIC_URLS: listFromEnv.pipe(z.array(z.url()).min(1)),
  /** Keys to add at the start, as JSON from role to key. */
  BOOTSTRAP_KEYS: z
    .string()
    .default('{}')
    .transform((text, ctx) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        ctx.addIssue({ code: 'custom', message: 'must be JSON' });
        return z.NEVER;
      }
    })
    .pipe(
      z.partialRecord(
        z.enum(roles),
        z.string().superRefine((key, ctx) => {
          const weakness = keyWeakness(key);
          if (weakness) ctx.addIssue({ code: 'custom', message: `the key can be guessed: ${weakness}` });
        }),
      ),
    ),
  /** ClickHouse for `GET /v1/requests/{id}`; without it that path answers 404. */
  CLICKHOUSE_URL: z.url().optional(),
  /** Hosts that a bundle's `artifact.uri` may name: `host`, `host:port`, `*.domain`, or `*` for every host. */
  ARTIFACT_HOSTS: z.string().default(LOOPBACK_HOSTS).pipe(listFromEnv),
  /** Hosts that a bundle's `infra.url` may name, in the same form; requests go there. */
  TARGET_HOSTS: z.string().default(LOOPBACK_HOSTS).pipe(listFromEnv),
  MAX_ARTIFACT_BYTES: intFromEnv(1).default(4 * 1024 ** 3),
  LEASE_MS: intFromEnv(1000).default(30_000),
  /** The share of rollouts with a harmless candidate that may be rolled back. */
  ALPHA: z.coerce.number().gt(0).lt(0.5).default(0.05),
  /** Time without evidence after which a rollout pauses at the last proven weight. */
  SILENCE_MS: intFromEnv(1000).default(60_000),
});
export type Config = z.infer<typeof configSchema>;
