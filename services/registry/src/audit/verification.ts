import {
  AUDIT_GENESIS,
  type AuditKeys,
  type AuditPublicKey,
  type AuditRow,
  type AuditVerification,
  auditHash,
  chainFault,
  openAuditKeys,
  signatureFault,
} from '@slipway/contracts';

type Fault = { aggregate: string; n: number; why: string };

/** What is on the topic: the hash of each row, about a hundred bytes. */
export class TopicHashes {
  ignored = 0;
  private readonly keys: AuditKeys;
  /** By aggregate, at index n - 1. */
  private readonly hashes = new Map<string, (string | undefined)[]>();
  constructor(keys: AuditKeys) {
    this.keys = keys;
  }

  /**
   * A record of the topic, `undefined` when it is not a row. The first valid one counts, because the outbox may send a
   * row twice.
   */
  add(row: AuditRow | undefined): void {
    if (row === undefined || auditHash(row) !== row.hash || signatureFault(row, this.keys) !== '') {
      this.ignored++;
      return;
    }
    const chain = this.hashes.get(row.aggregate) ?? [];
    this.hashes.set(row.aggregate, chain);
    chain[row.n - 1] ??= row.hash;
  }

  /** Returns the hash and forgets it: the hashes that are left at the end are missing in Postgres. */
  take(aggregate: string, n: number): string | undefined {
    const chain = this.hashes.get(aggregate);
    const hash = chain?.[n - 1];
    if (chain && hash !== undefined) chain[n - 1] = undefined;
    return hash;
  }

  *left(): Generator<{ aggregate: string; n: number }> {
    for (const [aggregate, chain] of this.hashes)
      for (let i = 0; i < chain.length; i++) if (chain[i] !== undefined) yield { aggregate, n: i + 1 };
  }
}

/** Takes the rows of Postgres, chain by chain in order, and reports the faults. */
export class Verification {
  private rows = 0;
  private waiting = 0;
  private readonly heads = new Map<string, { n: number; hash: string }>();
  private readonly broken = new Map<string, Fault>();
  private readonly rewritten = new Map<string, Fault>();
  private readonly missing = new Map<string, AuditVerification['missing'][number]>();
  private readonly signs: string;
  private readonly keys: readonly AuditPublicKey[];
  private readonly opened: AuditKeys;
  private readonly topic: TopicHashes | undefined;
  private readonly published: ReadonlyMap<string, number>;

  /**
   * @param keys those that sign or have signed, and the id of the present one
   * @param topic what was on the topic before the rows were read; undefined when it could not be read
   * @param published by aggregate, the number up to which rows had been published before the topic was read
   */
  constructor(
    keys: { signs: string; all: readonly AuditPublicKey[] },
    topic: TopicHashes | undefined,
    published: ReadonlyMap<string, number>,
  ) {
    this.signs = keys.signs;
    this.keys = keys.all;
    this.opened = openAuditKeys(keys.all);
    this.topic = topic;
    this.published = published;
  }

  add(row: AuditRow): void {
    this.rows++;
    const { aggregate, n } = row;
    const why = chainFault(this.heads.get(aggregate) ?? { n: 0, hash: AUDIT_GENESIS }, row);
    this.heads.set(aggregate, { n, hash: row.hash });
    if (why && !this.broken.has(aggregate)) this.broken.set(aggregate, { aggregate, n, why });
    const said = this.topic?.take(aggregate, n);
    const faults = [
      said !== undefined && said !== row.hash ? 'its hash is not the one on audit.v1' : '',
      signatureFault(row, this.opened),
    ].filter(Boolean);
    if (faults.length > 0 && !this.rewritten.has(aggregate))
      this.rewritten.set(aggregate, { aggregate, n, why: faults.join('; ') });
    if (!this.topic || said !== undefined) return;
    if (n > (this.published.get(aggregate) ?? 0)) this.waiting++;
    else this.lacks('topic', aggregate, n);
  }

  private lacks(from: 'postgres' | 'topic', aggregate: string, n: number): void {
    const id = `${from} ${aggregate}`;
    const gap = this.missing.get(id) ?? { aggregate, from, first: n, last: n, rows: 0 };
    this.missing.set(id, { ...gap, last: n, rows: gap.rows + 1 });
  }

  end(): AuditVerification {
    for (const { aggregate, n } of this.topic?.left() ?? []) this.lacks('postgres', aggregate, n);
    const { broken, rewritten, missing } = this;
    return {
      ok: this.topic !== undefined && broken.size + rewritten.size + missing.size === 0,
      rows: this.rows,
      broken: [...broken.values()],
      rewritten: [...rewritten.values()],
      missing: [...missing.values()],
      compared_with_topic: this.topic !== undefined,
      waiting: this.waiting,
      ignored_on_topic: this.topic?.ignored ?? 0,
      key: { id: this.signs, public_key: this.keys.find((k) => k.id === this.signs)?.public_key ?? '' },
      keys: [...this.keys],
    };
  }
}
