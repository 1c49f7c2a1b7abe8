import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { ShadowCounts } from '@slipway/stats';

/** The registry's clock says when a rollout started, Kafka's when a row arrived: so far apart they may be. */
const CLOCKS_DIFFER_MS = 2 * 3_600_000;

/** Both tables are read from the rollout's start on, by the index on arrival, however long their history is. */
export const shadowCountsSql = `
  WITH
    ended AS (
      SELECT request_id, result, agree, noise AS asked_twice, noise_agree,
        candidate_compute_us + noise_compute_us AS compute_us, price AS cost
      FROM slipway.comparisons FINAL
      WHERE rollout_id = {rollout:String} AND step = {step:Int16}
        AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})
    )
  SELECT
    (SELECT uniqExact(request_id) FROM (
       SELECT request_id FROM slipway.predictions
       WHERE shadow_rollout_id = {rollout:String} AND shadow_step = {step:Int16}
         AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})
       UNION ALL SELECT request_id FROM ended)) AS sampled,
    countIf(result = 'paired') AS paired, countIf(result = 'failed') AS failed,
    countIf(result = 'expired') AS expired, countIf(result = 'shed') AS shed,
    countIf(result = 'paired' OR NOT agree) AS compared, countIf(NOT agree) AS disagreed,
    countIf(asked_twice) AS noise, countIf(asked_twice AND NOT noise_agree) AS noiseDisagreed,
    sum(compute_us) / 1e6 AS computeSeconds, sum(cost) AS price
  FROM ended`;

/**
 * How the sampled requests of one shadow step ended, from distinct ids: sampled is every request whose row says so and
 * every one that a pair speaks of (services that run both versions themselves publish pairs without our rows).
 */
export class ShadowCountsStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  /** @param since milliseconds since the epoch: the rollout's start; nothing of it arrived at Kafka before */
  async counts(rolloutId: string, step: number, since: number): Promise<ShadowCounts> {
    const [row] = await queryRows<ShadowCounts>(this.clickhouse, shadowCountsSql, {
      rollout: rolloutId,
      step,
      from: since - CLOCKS_DIFFER_MS,
    });
    if (!row) throw new Error('an aggregate has no row');
    return row;
  }

  /**
   * For how long the step has lasted, seconds by Kafka's clock alone: from its first sampled request to the newest row
   * of it or of the rollout's evidence, which comes each second. 0 before there is one.
   */
  async seconds(rolloutId: string, step: number, since: number): Promise<number> {
    const [row] = await queryRows<{ seconds: number }>(
      this.clickhouse,
      `WITH rows AS (
         SELECT arrived_at FROM slipway.predictions
         WHERE shadow_rollout_id = {rollout:String} AND shadow_step = {step:Int16}
           AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})
         UNION ALL
         SELECT arrived_at FROM slipway.comparisons
         WHERE rollout_id = {rollout:String} AND step = {step:Int16}
           AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})),
         (SELECT max(arrived_at) FROM slipway.evidence WHERE rollout_id = {rollout:String}) AS heard
       SELECT dateDiff('millisecond', min(arrived_at), greatest(max(arrived_at), heard)) / 1000 AS seconds
       FROM rows HAVING count() > 0`,
      { rollout: rolloutId, step, from: since - CLOCKS_DIFFER_MS },
    );
    return row?.seconds ?? 0;
  }
}
