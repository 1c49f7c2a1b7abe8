import { type AuditKeys, type AuditVerification, openAuditKeys, topics } from '@slipway/contracts';
import { type KafkaClient, type Logger, readTopic } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import type { StoredAudit } from './audit.store.ts';
import { type AuditKey, readAuditKeys } from './audit-key.store.ts';
import { TopicHashes, Verification } from './verification.ts';

/** Time without a record after which Kafka counts as unavailable. */
const PATIENCE_MS = 10_000;
/** Checking a page must not block the process. */
const PAGE = 200;

/** Compares the audit in Postgres with what was published. Simultaneous calls share one comparison. */
export class AuditVerifier {
  private readonly database: Database;
  private readonly kafka: KafkaClient;
  private readonly key: AuditKey;
  private readonly log: Logger;
  private underWay: Promise<AuditVerification> | undefined;

  constructor(database: Database, kafka: KafkaClient, key: AuditKey, log: Logger) {
    this.database = database;
    this.kafka = kafka;
    this.key = key;
    this.log = log;
  }

  verify(): Promise<AuditVerification> {
    this.underWay ??= this.look().finally(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  /** The order matters: rows published before the topic is read must be on it, and rows on it must be in Postgres. */
  private async look(): Promise<AuditVerification> {
    const published = new Map(
      (
        await this.database.query<{ aggregate: string; n: number }>(
          `SELECT a.aggregate, least(a.n, w.n - 1) AS n
           FROM (SELECT aggregate, max(n) AS n FROM audit GROUP BY aggregate) a
           LEFT JOIN (SELECT key, min((payload::jsonb->>'n')::int) AS n FROM outbox
                      WHERE topic = $1 AND published_at IS NULL GROUP BY key) w ON w.key = a.aggregate`,
          [topics.audit.name],
        )
      ).map((r) => [r.aggregate, r.n]),
    );
    // Read again each time: another registry may already sign with a newer key.
    const keys = { signs: this.key.id, all: readAuditKeys(this.key.folder) };
    const verification = new Verification(keys, await this.readTopic(openAuditKeys(keys.all)), published);
    await this.database.transaction(async (sql) => {
      // One snapshot: a row whose transaction ends while pages are read must not look like a gap.
      await sql.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      for (let after = '0'; ; ) {
        const page = await sql.query<StoredAudit>('SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2', [
          after,
          PAGE,
        ]);
        if (page.length === 0) return;
        for (const { seq, ...row } of page) {
          verification.add({ ...row, time: Number(row.time) });
          after = seq;
        }
      }
    });
    return verification.end();
  }

  private async readTopic(keys: AuditKeys): Promise<TopicHashes | undefined> {
    const hashes = new TopicHashes(keys);
    try {
      await readTopic(this.kafka, topics.audit, (row) => hashes.add(row), PATIENCE_MS);
      return hashes;
    } catch (error) {
      this.log.warn({ err: error }, 'audit.v1 could not be read: the audit was not compared with it');
      return undefined;
    }
  }
}
