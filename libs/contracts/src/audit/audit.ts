import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { canonicalJson } from '@slipway/core';
import type { AuditContent, AuditPublicKey, AuditRow } from './audit-row.ts';

/** Why a row does not continue the chain after the row before it; empty when it does. */
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

/** @throws Error when a key is not an Ed25519 key in PEM, or its id does not match */
export function openAuditKeys(keys: readonly AuditPublicKey[]): AuditKeys {
  return new Map(
    keys.map(({ id, public_key }) => {
      const key = createPublicKey(public_key);
      if (key.asymmetricKeyType !== 'ed25519') throw new Error(`the audit key ${id} is not an Ed25519 key`);
      if (auditKeyId(key) !== id) throw new Error(`the audit key ${id} has the id ${auditKeyId(key)}`);
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

/** SHA-256 over the RFC 8785 form of the row without `hash`, `key_id` and `signature`. */
export function auditHash(row: AuditContent): string {
  const { event_id, aggregate, n, time, actor, role, action, reason, state, previous_hash } = row;
  return createHash('sha256')
    .update(canonicalJson({ event_id, aggregate, n, time, actor, role, action, reason, state, previous_hash }))
    .digest('hex');
}
