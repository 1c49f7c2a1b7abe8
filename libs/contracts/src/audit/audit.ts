import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../bundle/bundle.ts';
import { timeMsSchema } from '../names.ts';

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
});
export type AuditRow = z.infer<typeof auditRowSchema>;

/** Why a row does not follow from the one before it in its chain; empty when it does. */
export function chainFault(before: { n: number; hash: string }, row: AuditRow): string {
  if (row.n !== before.n + 1) return `row ${before.n + 1} is missing`;
  if (row.previous_hash !== before.hash) return 'it does not follow from the row before it';
  return auditHash(row) === row.hash ? '' : 'its content does not have its hash';
}

/** SHA-256 over the RFC 8785 form of the row without `hash`. */
export function auditHash(row: Omit<AuditRow, 'hash'>): string {
  const { event_id, aggregate, n, time, actor, role, action, reason, state, previous_hash } = row;
  return createHash('sha256')
    .update(canonicalJson({ event_id, aggregate, n, time, actor, role, action, reason, state, previous_hash }))
    .digest('hex');
}
