import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '@slipway/core';
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

/** Why a row does not follow from the one before it in its chain; empty when it does. */
export function chainFault(before: { n: number; hash: string }, row: AuditRow): string {
  if (row.n !== before.n + 1) return `row ${before.n + 1} is missing`;
  if (row.previous_hash !== before.hash) return 'it does not follow from the row before it';
  return auditHash(row) === row.hash ? '' : 'its content does not have its hash';
}

/** SHA-256 of the public half of an Ed25519 key in its SPKI DER form, in hexadecimal. */
export function auditKeyId(key: KeyObject): string {
  const open = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(open.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** Public keys by their id. */
export type AuditKeys = ReadonlyMap<string, KeyObject>;

/** @throws when a key is no Ed25519 key in PEM, or has another id than it says */
export function openAuditKeys(keys: readonly AuditPublicKey[]): AuditKeys {
  return new Map(
    keys.map(({ id, public_key }) => {
      const key = createPublicKey(public_key);
      if (key.asymmetricKeyType !== 'ed25519') throw new Error(`the key ${id} of the audit is no Ed25519 key`);
      if (auditKeyId(key) !== id) throw new Error(`the key ${id} of the audit has the id ${auditKeyId(key)}`);
      return [id, key];
    }),
  );
}

/** Why a row is not signed by any of the keys; empty when it is. */
export function signatureFault(row: AuditRow, keys: AuditKeys): string {
  const key = keys.get(row.key_id);
  if (!key) return `it is signed with another key, ${row.key_id}`;
  return verify(null, Buffer.from(row.hash, 'hex'), key, Buffer.from(row.signature, 'base64'))
    ? ''
    : 'its signature does not fit its hash';
}

/** SHA-256 over the RFC 8785 form of the row without `hash`, key and signature. */
export function auditHash(row: AuditContent): string {
  const { event_id, aggregate, n, time, actor, role, action, reason, state, previous_hash } = row;
  return createHash('sha256')
    .update(canonicalJson({ event_id, aggregate, n, time, actor, role, action, reason, state, previous_hash }))
    .digest('hex');
}
