import { type Evidence, isChangeOfMind, isReplacedBy, type ReceivedEvidence } from '@slipway/release';
import type { Database, Sql } from '../database/database.store.ts';
import { EvidenceBook, withoutNumbers } from './evidence-book.ts';

type Row = { rollout_id: string; doc: Evidence; received_at: string };

/** Result for a piece of evidence: `unknown` names no rollout, `news` is stored and must be acted upon. */
export type Taken = 'unknown' | 'news' | 'same';

/** The evidence that this registry has: changes in Postgres, repeats in memory ({@link EvidenceBook}). */
export class EvidenceStore {
  private readonly database: Database;
  private readonly book = new EvidenceBook();
  constructor(database: Database) {
    this.database = database;
  }

  /** @returns the result for each piece, in order */
  async take(received: readonly ReceivedEvidence[]): Promise<Taken[]> {
    const fresh = await this.learn([...new Set(received.map((r) => r.evidence.rollout_id))]);
    const taken: Taken[] = [];
    for (const next of received) {
      const id = next.evidence.rollout_id;
      if (!this.book.knows(id)) {
        taken.push('unknown');
        continue;
      }
      const news = this.book.take(next) === 'news';
      if (news) this.book.store(await this.database.transaction((sql) => storeEvidence(sql, next)));
      // What is new to this process may have been stored, and not acted upon, by one that has ended.
      taken.push(news || fresh.has(id) ? 'news' : 'same');
    }
    return taken;
  }

  /** @returns those that were not in the book and are now */
  private async learn(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const missing = ids.filter((id) => !this.book.knows(id));
    if (missing.length === 0) return new Set();
    const known = await this.database.query<{ id: string }>('SELECT id FROM rollouts WHERE id = ANY($1::uuid[])', [
      missing,
    ]);
    const latest = await latestEvidence(this.database, missing);
    for (const { id } of known) this.book.learn(id, latest.get(id) ?? []);
    return new Set(known.map((r) => r.id));
  }

  /** Tells Postgres how fresh the evidence is that only repeats what it has: in one statement, if there is any. */
  async refresh(now: number): Promise<void> {
    const due = this.book.due(now);
    if (due.length === 0) return;
    const done = await this.database.query<{ rollout_id: string; analyser: string }>(
      `UPDATE evidence_latest e SET received_at = v.received_at
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS v(rollout_id, analyser, event_id, received_at)
       WHERE e.rollout_id = v.rollout_id AND e.analyser = v.analyser AND e.doc->>'event_id' = v.event_id
       RETURNING e.rollout_id, e.analyser`,
      [
        due.map((r) => r.rolloutId),
        due.map((r) => r.analyser),
        due.map((r) => r.eventId),
        due.map((r) => Math.round(r.receivedAt)),
      ],
    );
    const told = new Set(done.map((r) => `${r.rollout_id}/${r.analyser}`));
    for (const refresh of due) {
      if (told.has(`${refresh.rolloutId}/${refresh.analyser}`)) this.book.refreshed(refresh);
      else this.book.forget(refresh.rolloutId);
    }
  }

  /** Another registry may have had the rollouts of this one meanwhile. */
  forget(): void {
    this.book.forget();
  }
}

/**
 * Stores for each analyser the evidence that counts ({@link isReplacedBy}), and the history of changed verdicts.
 *
 * @returns what is kept then
 */
async function storeEvidence(sql: Sql, next: ReceivedEvidence): Promise<ReceivedEvidence> {
  const { evidence, receivedAt } = next;
  const [row] = await sql.query<Row>(
    'SELECT rollout_id, doc, received_at FROM evidence_latest WHERE rollout_id = $1 AND analyser = $2 FOR UPDATE',
    [evidence.rollout_id, evidence.analyser],
  );
  const last = row && received(row);
  if (last && !isReplacedBy(last, next)) return last;
  await sql.query(
    `INSERT INTO evidence_latest (rollout_id, analyser, received_at, doc)
      VALUES ($1, $2, $3, $4)
      ON CONFLICT (rollout_id, analyser) DO UPDATE SET received_at = $3, doc = $4`,
    [evidence.rollout_id, evidence.analyser, receivedAt, JSON.stringify(withoutNumbers(next).evidence)],
  );
  if (isChangeOfMind(last?.evidence, evidence)) {
    await sql.query('INSERT INTO evidence_log (event_id, rollout_id, doc) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      evidence.event_id,
      evidence.rollout_id,
      JSON.stringify(evidence),
    ]);
  }
  return next;
}

/** By rollout, what is kept of each of its analysers. */
export async function latestEvidence(sql: Sql, ids: readonly string[]): Promise<Map<string, ReceivedEvidence[]>> {
  const latest = new Map<string, ReceivedEvidence[]>();
  for (const row of await sql.query<Row>(
    'SELECT rollout_id, doc, received_at FROM evidence_latest WHERE rollout_id = ANY($1::uuid[])',
    [ids],
  ))
    latest.set(row.rollout_id, [...(latest.get(row.rollout_id) ?? []), received(row)]);
  return latest;
}

const received = (row: Row): ReceivedEvidence => ({ evidence: row.doc, receivedAt: Number(row.received_at) });

/** The evidence that changed a verdict, newest first. */
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
