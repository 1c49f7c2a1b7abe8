import { assignmentReasons } from '@slipway/contracts';
import type { Arm } from '@slipway/core';
import type { FeatureProfile } from '@slipway/model';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { DriftWindow, LossWindow } from '@slipway/stats';
import { binSql } from './feature-sql.ts';

/** Rows need a moment from their arrival at Kafka into the table. */
const SETTLE_MS = 2000;
/** A row whose reason nobody knows (of a load test, say) lands and is counted, and no verdict reads it. */
const KNOWN_REASON = `reason IN (${assignmentReasons.map((reason) => `'${reason}'`).join(', ')})`;
/** A label may come so long after its prediction. */
const LABEL_WINDOW_MS = 3_600_000;

/**
 * Live windows of one endpoint, binned inside ClickHouse. A window is a whole number of `windowMs` of arrival time;
 * only complete ones count.
 */
export class HistogramStore {
  private readonly clickhouse: ClickHouseClient;
  private readonly windowMs: number;
  constructor(clickhouse: ClickHouseClient, windowMs: number) {
    this.clickhouse = clickhouse;
    this.windowMs = windowMs;
  }

  /** Number of the newest complete window, by ClickHouse's clock. */
  async lastWindow(): Promise<number> {
    const [row] = await queryRows<{ now: number }>(this.clickhouse, 'SELECT toUnixTimestamp64Milli(now64(3)) AS now');
    return Math.floor(((row?.now ?? 0) - SETTLE_MS) / this.windowMs) - 1;
  }

  windowStart(window: number): number {
    return window * this.windowMs;
  }

  private async bins(
    features: readonly FeatureProfile[],
    where: string,
    params: Record<string, unknown>,
    last: number,
    windows: number,
  ): Promise<Map<string, number[][]>> {
    const sql = features.map((f, i) => binSql(f, i));
    const bins = sql.map((s) => `toInt64(${s.sql})`).join(', ');
    const rows = await queryRows<{ win: number; arm: Arm; feature: number; bin: number; n: number }>(
      this.clickhouse,
      `SELECT win, arm, measured.1 AS feature, measured.2 AS bin, count() AS n FROM (
         SELECT toInt64(intDiv(toUnixTimestamp64Milli(arrived_at), {window:Int64})) AS win, assigned_arm AS arm,
           arrayJoin(arrayZip(range(${features.length}), [${bins}])) AS measured
         FROM slipway.predictions FINAL
         WHERE endpoint = {endpoint:String} AND status < 400 AND ${KNOWN_REASON}
           AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})
           AND arrived_at < fromUnixTimestamp64Milli({to:Int64})
           AND ${where})
       GROUP BY win, arm, feature, bin`,
      {
        ...Object.assign({}, ...sql.map((s) => s.params)),
        ...params,
        window: this.windowMs,
        from: (last - windows + 1) * this.windowMs,
        to: (last + 1) * this.windowMs,
      },
    );
    const found = new Map<string, number[][]>();
    for (const { win, arm, feature, bin, n } of rows) {
      const key = `${win} ${arm}`;
      const counts = found.get(key) ?? features.map((f) => new Array<number>(f.counts.length).fill(0));
      (counts[feature] as number[])[bin] = ((counts[feature] as number[])[bin] ?? 0) + n;
      found.set(key, counts);
    }
    return found;
  }

  /**
   * The endpoint's requests against the reference profile, oldest window first. @param version only what this version
   * served; all when empty
   */
  async againstReference(
    endpoint: string,
    features: readonly FeatureProfile[],
    last: number,
    windows: number,
    version = '',
  ): Promise<DriftWindow[]> {
    if (features.length === 0) return [];
    const found = await this.bins(
      features,
      "({version:String} = '' OR served_version = {version:String})",
      { endpoint, version },
      last,
      windows,
    );
    return numbers(last, windows).map((w) => ({
      features: features.map((f, i) => ({
        feature: f.name,
        reference: f.counts,
        current: sum(found.get(`${w} control`)?.[i], found.get(`${w} candidate`)?.[i], f.counts.length),
      })),
    }));
  }

  /** The candidate's histogram against the concurrent control's, over units that were randomised. */
  async betweenArms(
    endpoint: string,
    rolloutId: string,
    features: readonly FeatureProfile[],
    last: number,
    windows: number,
  ): Promise<DriftWindow[]> {
    if (features.length === 0) return [];
    const found = await this.bins(
      features,
      "rollout_id = {rollout:String} AND reason = 'randomised' AND fallback_from = ''",
      { endpoint, rollout: rolloutId },
      last,
      windows,
    );
    return numbers(last, windows).map((w) => ({
      features: features.map((f, i) => ({
        feature: f.name,
        reference: found.get(`${w} control`)?.[i] ?? f.counts.map(() => 0),
        current: found.get(`${w} candidate`)?.[i] ?? f.counts.map(() => 0),
      })),
    }));
  }

  /** Labelled requests by window of the label's arrival, and how many of them the version got wrong. */
  async losses(
    endpoint: string,
    version: string,
    outcome: string,
    output: string,
    last: number,
    windows: number,
  ): Promise<LossWindow[]> {
    const from = (last - windows + 1) * this.windowMs;
    const rows = await queryRows<{ win: number; rows: number; errors: number }>(
      this.clickhouse,
      `SELECT toInt64(intDiv(toUnixTimestamp64Milli(o.arrived_at), {window:Int64})) AS win, count() AS rows,
         countIf(o.value != p.outputs[{output:String}]) AS errors
       FROM (
         SELECT request_id, value, arrived_at FROM slipway.outcomes FINAL
         WHERE endpoint = {endpoint:String} AND name = {outcome:String} AND request_id != ''
           AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})
           AND arrived_at < fromUnixTimestamp64Milli({to:Int64})
       ) AS o
       INNER JOIN (
         SELECT request_id, outputs FROM slipway.predictions FINAL
         WHERE endpoint = {endpoint:String} AND served_version = {version:String} AND ${KNOWN_REASON}
           AND mapContains(outputs, {output:String}) AND NOT slipway_is_list(outputs[{output:String}])
           AND arrived_at >= fromUnixTimestamp64Milli({since:Int64})
       ) AS p ON p.request_id = o.request_id
       GROUP BY win`,
      {
        endpoint,
        version,
        outcome,
        output,
        window: this.windowMs,
        from,
        to: (last + 1) * this.windowMs,
        since: from - LABEL_WINDOW_MS,
      },
    );
    return numbers(last, windows)
      .map((w) => rows.find((r) => r.win === w) ?? { rows: 0, errors: 0 })
      .map(({ rows, errors }) => ({ rows, errors }));
  }

  /** The reasons for which this version was said to need retraining since an instant, by whichever process. */
  async reasonsSaid(model: string, version: number, since: number): Promise<string[]> {
    const rows = await queryRows<{ reason: string }>(
      this.clickhouse,
      `SELECT DISTINCT arrayJoin(reasons) AS reason
        FROM slipway.retraining FINAL
        WHERE model = {model:String} AND model_version = {version:UInt32}
        AND time >= fromUnixTimestamp64Milli({since:Int64})`,
      { model, version, since },
    );
    return rows.map((r) => r.reason);
  }
}

const numbers = (last: number, windows: number) => Array.from({ length: windows }, (_, i) => last - windows + 1 + i);
const sum = (a: number[] | undefined, b: number[] | undefined, n: number) =>
  Array.from({ length: n }, (_, i) => (a?.[i] ?? 0) + (b?.[i] ?? 0));
