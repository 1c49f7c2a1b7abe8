import { type Evidence, isChangeOfMind, isReplacedBy, type ReceivedEvidence } from '@slipway/release';
import type { Sql } from '../database/database.store.ts';

/**
 * Keeps of each analyser the evidence that counts ({@link isReplacedBy}), and the history of its changes of mind.
 *
 * @returns false when there is no such rollout
 */
export async function storeEvidence(sql: Sql, evidence: Evidence, receivedAt: number): Promise<boolean> {
  const [known] = await sql.query('SELECT id FROM rollouts WHERE id = $1', [evidence.rollout_id]);
  if (!known) return false;
  const [row] = await sql.query<{ doc: Evidence; received_at: string }>(
    'SELECT doc, received_at FROM evidence_latest WHERE rollout_id = $1 AND analyser = $2 FOR UPDATE',
    [evidence.rollout_id, evidence.analyser],
  );
  const last = row && received(row);
  if (!isReplacedBy(last, { evidence, receivedAt })) return true;
  await sql.query(
    `INSERT INTO evidence_latest (rollout_id, analyser, received_at, doc)
      VALUES ($1, $2, $3, $4)
      ON CONFLICT (rollout_id, analyser) DO UPDATE SET received_at = $3, doc = $4`,
    [evidence.rollout_id, evidence.analyser, receivedAt, JSON.stringify(evidence)],
  );
  if (isChangeOfMind(last?.evidence, evidence)) {
    await sql.query('INSERT INTO evidence_log (event_id, rollout_id, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      evidence.event_id,
      evidence.rollout_id,
      JSON.stringify(evidence),
    ]);
  }
  return true;
}

export async function latestEvidence(sql: Sql, rolloutId: string): Promise<ReceivedEvidence[]> {
  const rows = await sql.query<{ doc: Evidence; received_at: string }>(
    'SELECT doc, received_at FROM evidence_latest WHERE rollout_id = $1',
    [rolloutId],
  );
  return rows.map(received);
}

const received = (row: { doc: Evidence; received_at: string }): ReceivedEvidence => ({
  evidence: row.doc,
  receivedAt: Number(row.received_at),
});

/** The changes of mind, newest first. */
export async function evidenceLog(sql: Sql, rolloutId: string, cursor: string | undefined, limit: number) {
  const rows = await sql.query<{ seq: string; doc: Evidence }>(
    `SELECT seq, doc
      FROM evidence_log
      WHERE rollout_id = $1 AND ($2::bigint IS NULL OR seq < $2)
      ORDER BY seq DESC LIMIT $3`,
    [rolloutId, cursor ?? null, limit + 1],
  );
  return {
    items: rows.slice(0, limit).map((r) => r.doc),
    next_cursor: rows.length > limit ? (rows[limit - 1]?.seq ?? null) : null,
  };
}
