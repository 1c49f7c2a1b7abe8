import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { LossWindow } from '@slipway/stats';
import { KNOWN_REASON } from '../histogram/histogram.store.ts';

/** A label may come so long after its prediction. */
const LABEL_WINDOW_MS = 3_600_000;

/** Results of a version's labels, and earlier retraining messages about it. */
export class LabelStore {
  private readonly clickhouse: ClickHouseClient;
  private readonly windowMs: number;
  constructor(clickhouse: ClickHouseClient, windowMs: number) {
    this.clickhouse = clickhouse;
    this.windowMs = windowMs;
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
