import { z } from 'zod';
import { timeMsSchema } from '@slipway/core';

/** The hash before an aggregate's first row. */
export const AUDIT_GENESIS = '0'.repeat(64);

/** One change of state, chained per aggregate: `hash` covers everything else in the row, `previous_hash` included. */
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
  /** SHA-256 of the public key (SPKI, DER) that `signature` verifies with, in hexadecimal. */
  key_id: z.string().length(64),
  /** Ed25519 over the 32 bytes of `hash`, in base64. */
  signature: z.string(),
});
export type AuditRow = z.infer<typeof auditRowSchema>;

/** What `auditHash` covers. */
export type AuditContent = Omit<AuditRow, 'hash' | 'key_id' | 'signature'>;

/** A key that signs the audit, or did: its public half (SPKI in PEM), and since when it signs. */
export const auditPublicKeySchema = z.object({
  id: z.string().length(64),
  public_key: z.string(),
  since: timeMsSchema,
});
export type AuditPublicKey = z.infer<typeof auditPublicKeySchema>;

/** The answer of `GET /v1/audit/verification`; `ok` when the topic was read and no list has an entry. */
export const auditVerificationSchema = z.object({
  ok: z.boolean(),
  /** In Postgres. */
  rows: z.int(),
  /** The first row of each chain whose content, order or number does not fit. */
  broken: z.array(z.object({ aggregate: z.string(), n: z.int(), why: z.string() })),
  /** The first row of each chain that has another hash than on the topic, or no valid signature by the registry. */
  rewritten: z.array(z.object({ aggregate: z.string(), n: z.int(), why: z.string() })),
  /** Rows that one of the two has and the other lacks: `rows` of them, from number `first` to `last`. */
  missing: z.array(
    z.object({
      aggregate: z.string(),
      from: z.enum(['postgres', 'topic']),
      first: z.int(),
      last: z.int(),
      rows: z.int(),
    }),
  ),
  /** False when Kafka could not be read: then only the hashes and signatures in Postgres were looked at. */
  compared_with_topic: z.boolean(),
  /** Rows that were not yet published when the topic was read. */
  waiting: z.int(),
  /** Records on the topic that no registry with one of these keys has signed; they count as not there. */
  ignored_on_topic: z.int(),
  /** What rows are signed with now; `public_key` is SPKI in PEM. */
  key: z.object({ id: z.string(), public_key: z.string() }),
  /** Every key that signs or has signed, oldest first: each row must be signed with one of them. */
  keys: z.array(auditPublicKeySchema),
});
export type AuditVerification = z.infer<typeof auditVerificationSchema>;
