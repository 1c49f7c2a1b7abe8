import { durationMs, formatVersion } from '@slipway/core';
import type { Metric, Rollout } from '@slipway/release';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import { type LatencyCell, type LatencyQuantiles, latencyShift, type QuantileGuardrail } from '@slipway/stats';
import { type AsOf, type Offsets, seen, seenParameters } from '../../look/as-of.ts';
import { bucketCells, judged, type Pair, pairOf, type Row } from '../../look/cells.ts';
import { ANSWERED, AROUND, COMPARABLE, FAILED, KNOWN, rolloutParameters } from '../../look/exposed-rows.ts';
import type { LookRows } from '../../look/look-rows.store.ts';
import type { MetricReader, Rule } from '../kind.ts';
import { type Baseline, type Cut, latencyBuckets, MIN_BASELINE } from './latency-buckets.ts';

/** How long answers took: the control's before the rollout, and both arms' in it. Microseconds. */
export class QuantileStore implements MetricReader {
  private readonly clickhouse: ClickHouseClient;
  /** The control's latency to compare with: kept once there was enough of it. */
  private readonly baselines = new Map<string, { offsets: Offsets; read: Promise<Baseline> }>();
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  fixed(rolloutId: string): Partial<AsOf> {
    const known = this.baselines.get(rolloutId);
    return known ? { baseline: known.offsets } : {};
  }

  forget(rolloutId: string): void {
    this.baselines.delete(rolloutId);
  }

  async guardrail(look: LookRows, metric: Metric, { margin, harm, sla }: Rule): Promise<QuantileGuardrail> {
    const baseline = await this.keptBaseline(look.rollout, look.asOf);
    const quantiles = await this.quantiles(look);
    const enough = quantiles.candidate && quantiles.candidate.answers >= 100 ? quantiles.candidate : null;
    return {
      kind: 'quantile',
      metric: metric.name,
      margin,
      masses: baseline.edges ? baseline.masses : null,
      baseline: { answers: baseline.answers, needed: MIN_BASELINE },
      quantiles,
      cells: baseline.edges ? await this.latency(look, baseline, margin) : [],
      sla: Object.entries(sla ?? {}).map(([q, limit]) => ({
        quantile: q,
        limitUs: durationMs(limit) * 1000,
        actualUs: enough?.[q as 'p50' | 'p90' | 'p99'] ?? null,
      })),
      ...(harm?.ratio ? { harm: slowDown(harm.ratio, baseline) } : {}),
    };
  }

  private keptBaseline(rollout: Rollout, asOf: AsOf): Promise<Baseline> {
    let found = this.baselines.get(rollout.id);
    if (!found) {
      const read = this.baseline(rollout, asOf);
      // What there was too little of is looked for again.
      read.then(
        ({ edges }) => edges === null && this.baselines.delete(rollout.id),
        () => this.baselines.delete(rollout.id),
      );
      found = { offsets: asOf.baseline, read };
      this.baselines.set(rollout.id, found);
    }
    return found.read;
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
         AND rollout_id != {rollout:String} AND ${KNOWN} AND ${AROUND} AND ${seen('baseline')}
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
    return bucketCells(
      await look.read<Row & { bucket: number }>(
        judged(
          `SELECT weight, arm, unit, min(second) AS second,
            argMin(latency_us, (arrived_at, time, request_id)) / if(arm = 'control', 1, {margin:Float64}) AS l,
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
  async quantiles(look: LookRows): Promise<Pair<LatencyQuantiles | null>> {
    const rows = await look.read<{ arm: string; n: number; q: [number, number, number] }>(
      `SELECT arm, count() AS n, quantilesExact(0.5, 0.9, 0.99)(latency_us) AS q
       FROM (${ANSWERED}) WHERE step = {step:Int16} GROUP BY arm`,
    );
    const of = (row: (typeof rows)[number] | undefined): LatencyQuantiles | null =>
      row ? { answers: row.n, p50: row.q[0], p90: row.q[1], p99: row.q[2] } : null;
    const { control, candidate } = pairOf(rows);
    return { control: of(control), candidate: of(candidate) };
  }
}

/** The slow-down in normal scores; `null` (nothing to measure it by: the control's answers are all alike) holds. */
function slowDown(ratio: number, baseline: Baseline): number | null {
  if (!baseline.edges) return null;
  const [p50, p90] = baseline.quantiles;
  return p90 > p50 ? latencyShift(ratio, p50, p90) : null;
}
