import { z } from 'zod';
import { timeMsSchema } from '@slipway/core';

/** The `previous_hash` of an aggregate's first row. */
export const AUDIT_GENESIS = '0'.repeat(64);

/** One change of state, chained by aggregate: `hash` covers everything else in the row, including `previous_hash`. */
export const auditRowSchema = z.object({
  event_id: z.uuid(),
  aggregate: z.string(),
  n: z.int().min(1),
  time: timeMsSchema,
  actor: z.string(),
  role: z.string(),
  action: z.string(),
  reason: z.string(),
  /** The aggregate's state after the change. */
  state: z.record(z.string(), z.unknown()),
  previous_hash: z.string().length(64),
  hash: z.string().length(64),
  /** Id of the signing key: SHA-256 of its public half (SPKI, DER), hexadecimal. */
  key_id: z.string().length(64),
  /** Ed25519 over the 32 bytes of `hash`, in base64. */
  signature: z.string(),
});
export type AuditRow = z.infer<typeof auditRowSchema>;

/** The part of the row that `auditHash` covers. */
export type AuditContent = Omit<AuditRow, 'hash' | 'key_id' | 'signature'>;

/** A key that signs or has signed the audit: its public half (SPKI in PEM), and the start of its use. */
export const auditPublicKeySchema = z.object({
  id: z.string().length(64),
  public_key: z.string(),
  since: timeMsSchema,
});
export type AuditPublicKey = z.infer<typeof auditPublicKeySchema>;

/** The answer of `GET /v1/audit/verification`. `ok` when the topic was read and every list is empty. */
export const auditVerificationSchema = z.object({
  ok: z.boolean(),
  /** Number of rows in Postgres. */
  rows: z.int(),
  /** The first row of each chain whose content, order or number is wrong. */
  broken: z.array(z.object({ aggregate: z.string(), n: z.int(), why: z.string() })),
  /**
   * The first row of each chain whose hash differs from the topic's, or that has no valid signature of the registry.
   */
  rewritten: z.array(z.object({ aggregate: z.string(), n: z.int(), why: z.string() })),
  /** Rows that are in Postgres or on the topic but not in both: `rows` of them, from number `first` to `last`. */
  missing: z.array(
    z.object({
      aggregate: z.string(),
      from: z.enum(['postgres', 'topic']),
      first: z.int(),
      last: z.int(),
      rows: z.int(),
    }),
  ),
  /** False when Kafka could not be read; then only the hashes and signatures in Postgres were checked. */
  compared_with_topic: z.boolean(),
  /** Rows that were not yet published when the topic was read. */
  waiting: z.int(),
  /** Records on the topic that none of these keys has signed; they are ignored. */
  ignored_on_topic: z.int(),
  /** The key that signs rows now; `public_key` is SPKI in PEM. */
  key: z.object({ id: z.string(), public_key: z.string() }),
  /** Every key that signs or has signed, oldest first. Each row must be signed with one of them. */
  keys: z.array(auditPublicKeySchema),
});
export type AuditVerification = z.infer<typeof auditVerificationSchema>;
