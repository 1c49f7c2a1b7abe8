import { assignmentReasons } from '@slipway/contracts';
import type { FeatureProfile } from '@slipway/model';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import { Binning, type Cell } from './binning.ts';
import { binsId, type Group, type Slice, slicesIn, slicesOf, type Span } from './slices.ts';

/** Rows need a moment from their arrival at Kafka into the table. */
const SETTLE_MS = 2000;
/** A row whose reason nobody knows (of a load test, say) lands and is counted, and no verdict reads it. */
export const KNOWN_REASON = `reason IN (${assignmentReasons.map((reason) => `'${reason}'`).join(', ')})`;

/**
 * Histograms of an endpoint's rows by time slice of their arrival; any number of windows add them up. A slice is
 * counted once, after it has ended, and a look reads only what is new. Counts are stored in `drift_counts` and may be
 * computed again: the counts of a slice replace each other, and rows that were sent twice count once (`FINAL`), in the
 * slice of their first arrival. A slice whose rows arrived late in the table is counted again while looks ask for it.
 */
export class HistogramStore {
  private readonly clickhouse: ClickHouseClient;
  readonly windowMs: number;
  readonly slices: number;
  private readonly sliceMs: number;
  /** By endpoint and bins: the slices of the last look. */
  private readonly known = new Map<string, Map<number, Slice>>();

  /** @param windowMs window length by arrival time; only complete windows are looked at */
  constructor(clickhouse: ClickHouseClient, windowMs: number) {
    this.clickhouse = clickhouse;
    this.windowMs = windowMs;
    this.slices = slicesOf(windowMs);
    this.sliceMs = windowMs / this.slices;
  }

  /** Number of the newest complete window, by ClickHouse's clock. */
  async lastWindow(): Promise<number> {
    const [row] = await queryRows<{ now: number }>(this.clickhouse, 'SELECT toUnixTimestamp64Milli(now64(3)) AS now');
    return Math.floor(((row?.now ?? 0) - SETTLE_MS) / this.windowMs) - 1;
  }

  windowStart(window: number): number {
    return window * this.windowMs;
  }

  /** The last `windows` windows up to `last`. */
  span(last: number, windows: number): Span {
    return { last, windows, slices: this.slices };
  }

  /** The slices of a span by number; counts those that have not been counted. */
  async read(endpoint: string, features: readonly FeatureProfile[], span: Span): Promise<ReadonlyMap<number, Slice>> {
    const numbers = slicesIn(span).flat();
    const bins = binsId(features);
    const key = `${endpoint} ${bins}`;
    const before = this.known.get(key);
    const kept = new Map(numbers.flatMap((n) => (before?.has(n) ? [[n, before.get(n) as Slice]] : [])));
    const copies = await this.copies(endpoint, numbers);
    const isMissing = (n: number) => (copies.get(n) ?? 0) > (kept.get(n)?.seen ?? 0);
    const missing = numbers.filter(isMissing);
    if (missing.length > 0)
      for (const slice of await this.counted(endpoint, bins, missing))
        if (slice.seen > (kept.get(slice.slice)?.seen ?? 0)) kept.set(slice.slice, slice);
    const binning = new Binning(features);
    for (const n of missing.filter(isMissing))
      kept.set(n, await this.count(endpoint, bins, binning, n, copies.get(n) ?? 0));
    this.known.set(key, kept);
    return kept;
  }

  /** Forgets an endpoint that is no longer looked at. */
  forget(endpoint: string): void {
    for (const key of this.known.keys()) if (key.startsWith(`${endpoint} `)) this.known.delete(key);
  }

  /** Rows of each slice in the table, including repeats: more than before means that some arrived late. */
  private async copies(endpoint: string, numbers: readonly number[]): Promise<Map<number, number>> {
    const rows = await queryRows<{ slice: number; n: number }>(
      this.clickhouse,
      `SELECT intDiv(toUnixTimestamp64Milli(arrived_at), {span:Int64}) AS slice, count() AS n
        FROM slipway.predictions WHERE endpoint = {endpoint:String} AND ${ARRIVED} GROUP BY slice`,
      { endpoint, span: this.sliceMs, ...this.between(Math.min(...numbers), Math.max(...numbers)) },
    );
    return new Map(rows.map(({ slice, n }) => [slice, n]));
  }

  private between(first: number, last: number): { from: number; to: number } {
    return { from: first * this.sliceMs, to: (last + 1) * this.sliceMs };
  }

  /** Counts that were stored before, by any process. */
  private async counted(endpoint: string, bins: string, numbers: readonly number[]): Promise<Slice[]> {
    const rows = await queryRows<Group & { slice: number; seen: number }>(
      this.clickhouse,
      `SELECT slice, rollout_id, arm, served_version, compared, rows, inputs, outputs, counts, seen
        FROM slipway.drift_counts FINAL
        WHERE endpoint = {endpoint:String} AND bins = {bins:String} AND span_ms = {span:UInt32}
        AND slice IN {numbers:Array(UInt64)}`,
      { endpoint, bins, span: this.sliceMs, numbers },
    );
    const found = new Map<number, Slice>();
    for (const { slice, seen, ...group } of rows) {
      const of = found.get(slice) ?? { slice, seen: 0, groups: [] };
      of.seen = Math.max(of.seen, seen);
      if (group.rows > 0) of.groups.push(group);
      found.set(slice, of);
    }
    return [...found.values()];
  }

  private async count(endpoint: string, bins: string, binning: Binning, slice: number, seen: number): Promise<Slice> {
    const cells = await queryRows<Cell>(
      this.clickhouse,
      binning.sql(`endpoint = {endpoint:String} AND status < 400 AND ${KNOWN_REASON} AND ${ARRIVED}`),
      { endpoint, ...this.between(slice, slice) },
    );
    const groups = binning.groups(cells);
    // When no row was answered, a row without counts records that the slice was counted.
    const rows = groups.length > 0 ? groups : [NO_GROUP];
    await this.clickhouse.insert({
      table: 'slipway.drift_counts',
      values: rows.map((group) => ({ endpoint, bins, span_ms: this.sliceMs, slice, seen, ...group })),
      format: 'JSONEachRow',
    });
    return { slice, seen, groups };
  }
}

const ARRIVED = `arrived_at >= fromUnixTimestamp64Milli({from:Int64})
          AND arrived_at < fromUnixTimestamp64Milli({to:Int64})`;
const NO_GROUP: Group = {
  ...{ rollout_id: '', arm: '', served_version: '', compared: false },
  ...{ rows: 0, inputs: 0, outputs: 0, counts: {} },
};
