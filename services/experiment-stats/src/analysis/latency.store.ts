import { formatVersion } from '@slipway/core';
import type { Rollout } from '@slipway/release';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { LatencyCell, LatencyQuantiles } from '@slipway/stats';
import { type AsOf, seen, seenParameters } from './as-of.ts';
import { type Arm, judged, latencyCells, type Row } from './cells.ts';
import { ANSWERED, COMPARABLE, FAILED, rolloutParameters, SINCE } from './exposed-rows.ts';
import { type Baseline, type Cut, latencyBuckets, MIN_BASELINE } from './latency-buckets.ts';
import type { LookRows } from './look-rows.store.ts';

/** From an hour before the rollout on, or a little more: where the control's baseline comes from. */
export const AROUND = `${SINCE} - INTERVAL 1 HOUR`;

/** How long answers took: the control's before the rollout, and both arms' in it. Microseconds. */
export class LatencyStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  /**
   * The control's latency outside of the rollout, which is before it: the newest 10,000 answers of the last hours;
   * where those are too few, its first answers of the rollout itself, which are no evidence then.
   */
  async baseline(rollout: Rollout, asOf: AsOf): Promise<Baseline> {
    const known = {
      ...rolloutParameters(rollout),
      ...seenParameters(asOf),
      control: formatVersion(rollout.control),
      first: MIN_BASELINE,
    };
    const before = await queryRows<{ latency_us: number }>(
      this.clickhouse,
      `SELECT latency_us FROM slipway.predictions FINAL
       WHERE endpoint = {endpoint:String} AND served_version = {control:String} AND NOT ${FAILED}
         AND rollout_id != {rollout:String} AND ${AROUND} AND ${seen('baseline')}
       ORDER BY arrived_at DESC, event_id LIMIT 10000`,
      known,
    );
    const found = latencyBuckets(before.map((r) => r.latency_us));
    if (found.edges) return found;
    const own = await queryRows<{ latency_us: number; second: number }>(
      this.clickhouse,
      `SELECT latency_us, toUnixTimestamp(arrived_at) AS second FROM slipway.predictions FINAL
       WHERE rollout_id = {rollout:String} AND endpoint = {endpoint:String} AND assigned_arm = 'control'
         AND reason = 'randomised' AND NOT ${FAILED} AND ${AROUND} AND ${seen('baseline')}
       ORDER BY arrived_at, event_id LIMIT {first:UInt32}`,
      known,
    );
    return latencyBuckets(
      own.map((r) => r.latency_us),
      own.at(-1)?.second ?? 0,
    );
  }

  /**
   * First requests of units by latency bucket, where their own arm answered them: after a failure the callers of the
   * two arms go different ways. The candidate's edges are stretched by the margin.
   */
  async latency(look: LookRows, baseline: Cut, margin: number): Promise<LatencyCell[]> {
    const { edges, until } = baseline;
    return latencyCells(
      await look.read<Row & { bucket: number }>(
        judged(
          `SELECT weight, arm, unit, min(second) AS second,
            argMin(latency_us, (arrived_at, time, request_id)) / if(arm = 'candidate', {margin:Float64}, 1) AS l,
            arrayCount(edge -> l > edge, {edges:Array(Float64)}) AS bucket
          FROM (SELECT * FROM (${COMPARABLE}) WHERE second > {until:UInt32}) GROUP BY weight, arm, unit
          HAVING NOT argMin(failed, (arrived_at, time, request_id))`,
          'bucket',
        ),
        { margin, edges, until },
      ),
      edges.length + 1,
    );
  }

  /** Answers of each arm in the present step with their p50, p90 and p99. */
  async quantiles(look: LookRows): Promise<Record<Arm, LatencyQuantiles | null>> {
    const rows = await look.read<{ arm: Arm; n: number; q: [number, number, number] }>(
      `SELECT arm, count() AS n, quantilesExact(0.5, 0.9, 0.99)(latency_us) AS q
       FROM (${ANSWERED}) WHERE step = {step:Int16} GROUP BY arm`,
    );
    const of = (arm: Arm): LatencyQuantiles | null => {
      const row = rows.find((r) => r.arm === arm);
      return row ? { answers: row.n, p50: row.q[0], p90: row.q[1], p99: row.q[2] } : null;
    };
    return { control: of('control'), candidate: of('candidate') };
  }
}
