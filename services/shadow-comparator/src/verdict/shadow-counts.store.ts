import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { ShadowCounts } from '@slipway/stats';

/** Largest difference between the registry's clock (start of a rollout) and Kafka's (arrival of a row). */
const CLOCKS_DIFFER_MS = 2 * 3_600_000;

/**
 * Both tables are sorted by endpoint, and read from the rollout's start on, by the index on arrival, however long their
 * history is.
 */
export const shadowCountsSql = `
  WITH
    requests AS (
      SELECT request_id, argMinIf(unit, (arrived_at, sequence), unit != '') AS unit,
        min((arrived_at, sequence, request_id)) AS came,
        countIf(result = 'paired') AS paired, countIf(result = 'failed') AS failed,
        countIf(result = 'expired') AS expired, countIf(result = 'shed') AS shed,
        countIf(result = 'paired' OR NOT agree) AS compared, countIf(NOT agree) AS disagreed,
        argMinIf((agree, asked_twice, noise_agree), arrived_at, result = 'paired' OR NOT agree) AS answers,
        sum(compute_us) AS compute_us, sum(cost) AS cost
      FROM (
        SELECT request_id, unit, arrived_at, sequence, '' AS result, true AS agree, false AS asked_twice,
          true AS noise_agree, 0 AS compute_us, 0. AS cost
        FROM slipway.predictions
        WHERE endpoint = {endpoint:String} AND shadow_rollout_id = {rollout:String} AND shadow_step = {step:Int16}
          AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})
        UNION ALL
        SELECT request_id, unit, arrived_at, 0 AS sequence, result, agree, noise AS asked_twice, noise_agree,
          candidate_compute_us + noise_compute_us AS compute_us, price AS cost
        FROM slipway.comparisons FINAL
        WHERE endpoint = {endpoint:String} AND rollout_id = {rollout:String} AND step = {step:Int16}
          AND result IN ('paired', 'failed', 'expired', 'shed')
          AND arrived_at >= fromUnixTimestamp64Milli({from:Int64}))
      GROUP BY request_id
    ),
    units AS (
      SELECT count() AS sampled, sum(r.paired) AS paired, sum(r.failed) AS failed, sum(r.expired) AS expired,
        sum(r.shed) AS shed, sum(r.compared) AS compared, sum(r.disagreed) AS disagreed,
        sum(r.compute_us) AS compute_us, sum(r.cost) AS cost,
        argMinIf((r.compared > 0, answers.1, answers.2, answers.3), came,
          r.compared > 0 OR r.paired + r.failed + r.expired + r.shed = 0) AS first
      FROM requests AS r
      GROUP BY if(unit = '', ('', request_id), (unit, ''))
    )
  SELECT sum(u.sampled) AS sampled, sum(u.paired) AS paired, sum(u.failed) AS failed, sum(u.expired) AS expired,
    sum(u.shed) AS shed, sum(u.compared) AS comparedRequests, sum(u.disagreed) AS disagreedRequests,
    countIf(first.1) AS compared, countIf(first.1 AND NOT first.2) AS disagreed,
    countIf(first.1 AND first.3) AS noise, countIf(first.1 AND first.3 AND NOT first.4) AS noiseDisagreed,
    sum(u.compute_us) / 1e6 AS computeSeconds, sum(u.cost) AS price
  FROM units AS u`;

/** A shadow step; `since`: milliseconds since the epoch, the rollout's start; nothing of it arrived at Kafka before. */
export type ShadowStep = { endpoint: string; rollout: string; step: number; since: number };

const parametersOf = ({ since, ...step }: ShadowStep) => ({ ...step, from: since - CLOCKS_DIFFER_MS });

/**
 * Results of the sampled requests of one shadow step, counted by distinct ids. Sampled is every request whose row says
 * so and every one with a pair (services that run both versions themselves publish pairs without router rows). A unit's
 * first request is chosen before it has ended, so that a quicker one cannot replace it; the next one is used only when
 * it ended without a comparison (shed, expired, or a fault of Slipway).
 */
export class ShadowCountsStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  async counts(step: ShadowStep): Promise<ShadowCounts> {
    const [row] = await queryRows<ShadowCounts>(this.clickhouse, shadowCountsSql, parametersOf(step));
    if (!row) throw new Error('an aggregate query returned no row');
    return row;
  }

  /**
   * Duration of the step so far, in seconds by Kafka's clock alone: from its first sampled request to the newest row of
   * the step or of the rollout's evidence, which arrives each second. 0 without any.
   */
  async seconds(step: ShadowStep): Promise<number> {
    const [row] = await queryRows<{ seconds: number }>(
      this.clickhouse,
      `WITH rows AS (
         SELECT arrived_at FROM slipway.predictions
         WHERE endpoint = {endpoint:String} AND shadow_rollout_id = {rollout:String}
           AND shadow_step = {step:Int16}
           AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})
         UNION ALL
         SELECT arrived_at FROM slipway.comparisons
         WHERE endpoint = {endpoint:String} AND rollout_id = {rollout:String} AND step = {step:Int16}
           AND arrived_at >= fromUnixTimestamp64Milli({from:Int64})),
         (SELECT max(arrived_at) FROM slipway.evidence WHERE rollout_id = {rollout:String}) AS heard
       SELECT dateDiff('millisecond', min(arrived_at), greatest(max(arrived_at), heard)) / 1000 AS seconds
       FROM rows HAVING count() > 0`,
      parametersOf(step),
    );
    return row?.seconds ?? 0;
  }
}
