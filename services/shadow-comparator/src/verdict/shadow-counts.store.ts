import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { ShadowCounts } from '@slipway/stats';

/**
 * How the sampled requests of one shadow step ended, from distinct ids: sampled is every request whose row says so and
 * every one that a pair
 * speaks of (services that run both versions themselves publish pairs without our rows).
 */
export class ShadowCountsStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  async counts(rolloutId: string, step: number): Promise<ShadowCounts> {
    const [row] = await queryRows<ShadowCounts>(
      this.clickhouse,
      `WITH ended AS (SELECT request_id, result, agree, noise AS asked_twice, noise_agree, candidate_compute_us + noise_compute_us AS compute_us, price AS cost FROM slipway.comparisons FINAL WHERE rollout_id = {rollout:String} AND step = {step:Int16})
       SELECT
         (SELECT uniqExact(request_id) FROM (
            SELECT request_id FROM slipway.predictions FINAL WHERE shadow_rollout_id = {rollout:String} AND shadow_step = {step:Int16}
            UNION ALL SELECT request_id FROM ended)) AS sampled,
         countIf(result = 'paired') AS paired, countIf(result = 'failed') AS failed, countIf(result = 'expired') AS expired, countIf(result = 'shed') AS shed,
         countIf(result = 'paired' OR NOT agree) AS compared, countIf(NOT agree) AS disagreed, countIf(asked_twice) AS noise, countIf(asked_twice AND NOT noise_agree) AS noiseDisagreed,
         sum(compute_us) / 1e6 AS computeSeconds, sum(cost) AS price
       FROM ended`,
      { rollout: rolloutId, step },
    );
    if (!row) throw new Error('an aggregate has no row');
    return row;
  }
}
