import { durationMs, type Metric, type Rollout } from '@slipway/contracts';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { ArmTotals, CountCell, LatencyCell } from '@slipway/stats';
import { type Baseline, latencyBuckets } from './latency-buckets.ts';

/**
 * Per Kafka partition: the first offset that a look did not see. What ClickHouse has of a partition is always a prefix
 * of it.
 */
export type Offsets = Record<string, number>;
/** The rows that a look saw. With it, the look can be repeated on the same rows at any later time. */
export type AsOf = {
  predictions: Offsets;
  outcomes: Offsets /** The look that fixed the latency baseline. */;
  baseline: Offsets;
};

/** Rows that lie before the offsets of {@link AsOf}. */
const seen = (of: keyof AsOf) =>
  `kafka_offset < transform(kafka_partition, {${of}_partitions:Array(UInt32)}, {${of}_offsets:Array(UInt64)}, toUInt64(0))`;
function seenParameters(asOf: AsOf): Record<string, unknown> {
  return Object.fromEntries(
    (['predictions', 'outcomes', 'baseline'] as const).flatMap((of) => {
      const entries = Object.entries(asOf[of]);
      // `transform` refuses empty lists; of a partition 0 nothing was seen then.
      const [partitions, offsets] =
        entries.length > 0 ? [entries.map(([p]) => Number(p)), entries.map(([, n]) => n)] : [[0], [0]];
      return [
        [`${of}_partitions`, partitions],
        [`${of}_offsets`, offsets],
      ];
    }),
  );
}

/**
 * The sufficient statistics of one rollout, from ClickHouse. Rows are deduplicated (FINAL), strata are (step, candidate
 * share), every unit
 * counts once per metric and stratum in its first second, and seconds are arrivals at Kafka. The candidate's share is
 * read from the rows'
 * own assignment probability. An `ejected` request was randomised like the others; only its answer came from elsewhere.
 */
const ASSIGNED = `
  SELECT step, round(if(assigned_arm = 'candidate', probability, 1 - probability), 9) AS weight, assigned_arm AS arm, unit, request_id, toUnixTimestamp(arrived_at) AS second, arrived_at,
    time, route_revision, latency_us, outputs, status >= 400 OR fallback_from != '' AS failed, reason
  FROM slipway.predictions FINAL
  WHERE rollout_id = {rollout:String} AND endpoint = {endpoint:String} AND reason IN ('randomised', 'ejected') AND arrived_at >= fromUnixTimestamp64Milli({since:Int64}) AND ${seen('predictions')}`;

/** The control's last hour before the rollout. */
const BEFORE =
  'arrived_at < fromUnixTimestamp64Milli({start:Int64}) AND arrived_at >= fromUnixTimestamp64Milli({start:Int64}) - INTERVAL 1 HOUR';

type Row = { step: number; weight: number; arm: 'control' | 'candidate'; second: number; n: number };
export type Totals = { control: ArmTotals; candidate: ArmTotals; crossed: number };

function parameters(rollout: Rollout): Record<string, unknown> {
  // Rows may arrive a little before the registry's clock says that the rollout began.
  return {
    rollout: rollout.id,
    endpoint: rollout.spec.endpoint,
    since: (rollout.started_at ?? rollout.created_at) - 60_000,
    start: rollout.started_at ?? 0,
  };
}

function cells(rows: Row[]): CountCell[] {
  const found = new Map<string, CountCell>();
  for (const r of rows) {
    const key = `${r.second} ${r.step} ${r.weight}`;
    const cell = found.get(key) ?? { second: r.second, weight: r.weight, control: 0, candidate: 0 };
    cell[r.arm] += r.n;
    found.set(key, cell);
  }
  return [...found.values()].sort((a, b) => a.second - b.second || a.weight - b.weight);
}

const FIRST_SECONDS = (condition: string) => `
  SELECT step, weight, arm, second, count() AS n
  FROM (SELECT step, weight, arm, unit, min(second) AS second FROM (${ASSIGNED}) WHERE ${condition} GROUP BY step, weight, arm, unit)
  GROUP BY step, weight, arm, second`;

export class CountsStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  /** What there is of a rollout now. @param baseline what an earlier look saw of the time before the start */
  async asOf(rollout: Rollout, baseline?: Offsets): Promise<AsOf> {
    const of = async (table: string, condition: string) => {
      const rows = await queryRows<{ p: number; n: number }>(
        this.clickhouse,
        `SELECT kafka_partition AS p, max(kafka_offset) + 1 AS n FROM slipway.${table} WHERE endpoint = {endpoint:String} AND ${condition} GROUP BY p ORDER BY p`,
        parameters(rollout),
      );
      return Object.fromEntries(rows.map(({ p, n }) => [p, Number(n)]));
    };
    const since = 'arrived_at >= fromUnixTimestamp64Milli({since:Int64})';
    const [predictions, outcomes, before] = await Promise.all([
      of('predictions', `rollout_id = {rollout:String} AND ${since}`),
      of('outcomes', since),
      baseline ?? of('predictions', BEFORE),
    ]);
    return { predictions, outcomes, baseline: before };
  }

  async exposures(rollout: Rollout, asOf: AsOf): Promise<CountCell[]> {
    return cells(
      await queryRows<Row>(this.clickhouse, FIRST_SECONDS('1'), { ...parameters(rollout), ...seenParameters(asOf) }),
    );
  }

  async errors(
    rollout: Rollout,
    asOf: AsOf,
  ): Promise<{ cells: CountCell[]; events: { control: number; candidate: number } }> {
    const rows = await queryRows<Row>(this.clickhouse, FIRST_SECONDS('failed'), {
      ...parameters(rollout),
      ...seenParameters(asOf),
    });
    const events = { control: 0, candidate: 0 };
    for (const r of rows) if (r.step === rollout.step) events[r.arm] += r.n;
    return { cells: cells(rows), events };
  }

  /** Of the present step; and, over all steps, the units that were in both arms within one route revision. */
  async totals(rollout: Rollout, asOf: AsOf): Promise<Totals> {
    const rows = await queryRows<{ arm: 'control' | 'candidate'; requests: number; units: number }>(
      this.clickhouse,
      `SELECT arm, count() AS requests, uniqExact(unit) AS units FROM (${ASSIGNED}) WHERE step = {step:Int16} GROUP BY arm`,
      { ...parameters(rollout), ...seenParameters(asOf), step: rollout.step },
    );
    const [crossed] = await queryRows<{ n: number }>(
      this.clickhouse,
      `SELECT count() AS n FROM (SELECT route_revision, unit FROM (${ASSIGNED}) GROUP BY route_revision, unit HAVING uniqExact(arm) > 1)`,
      { ...parameters(rollout), ...seenParameters(asOf) },
    );
    const of = (arm: string) => {
      const { requests = 0, units = 0 } = rows.find((r) => r.arm === arm) ?? {};
      return { requests, units };
    };
    return { control: of('control'), candidate: of('candidate'), crossed: crossed?.n ?? 0 };
  }

  /** The control's latency from before the rollout, newest 10,000 answers of its last hour. */
  async baseline(rollout: Rollout, asOf: AsOf): Promise<Baseline> {
    const rows = await queryRows<{ latency_us: number }>(
      this.clickhouse,
      `SELECT latency_us FROM slipway.predictions FINAL
       WHERE endpoint = {endpoint:String} AND served_version = {control:String} AND status < 400
         AND ${BEFORE} AND ${seen('baseline')}
       ORDER BY arrived_at DESC, event_id LIMIT 10000`,
      {
        ...parameters(rollout),
        ...seenParameters(asOf),
        control: `${rollout.control.model}:${rollout.control.version}`,
      },
    );
    return latencyBuckets(rows.map((r) => r.latency_us));
  }

  /**
   * First requests of units by latency bucket; the candidate's edges are stretched by the margin. Also its quantiles in
   * the present step.
   */
  async latency(
    rollout: Rollout,
    asOf: AsOf,
    baseline: Exclude<Baseline, null>,
    margin: number,
  ): Promise<LatencyCell[]> {
    const rows = await queryRows<Row & { bucket: number }>(
      this.clickhouse,
      `SELECT step, weight, arm, second, bucket, count() AS n FROM (
        SELECT step, weight, arm, unit, min(second) AS second, argMin(latency_us, (arrived_at, request_id)) / if(arm = 'candidate', {margin:Float64}, 1) AS l,
          multiIf(l <= {a:Float64}, 0, l <= {b:Float64}, 1, l <= {c:Float64}, 2, 3) AS bucket
        FROM (${ASSIGNED}) GROUP BY step, weight, arm, unit)
      GROUP BY step, weight, arm, second, bucket`,
      {
        ...parameters(rollout),
        ...seenParameters(asOf),
        margin,
        a: baseline.edges[0],
        b: baseline.edges[1],
        c: baseline.edges[2],
      },
    );
    const found = new Map<string, { second: number; weight: number; control: number[]; candidate: number[] }>();
    for (const r of rows) {
      const key = `${r.second} ${r.step} ${r.weight}`;
      const cell = found.get(key) ?? {
        second: r.second,
        weight: r.weight,
        control: [0, 0, 0, 0],
        candidate: [0, 0, 0, 0],
      };
      cell[r.arm][r.bucket] = (cell[r.arm][r.bucket] ?? 0) + r.n;
      found.set(key, cell);
    }
    return [...found.values()].sort((a, b) => a.second - b.second || a.weight - b.weight);
  }

  async candidateQuantiles(rollout: Rollout, asOf: AsOf): Promise<Record<'p50' | 'p90' | 'p99', number> | null> {
    const [row] = await queryRows<{ n: number; q: [number, number, number] }>(
      this.clickhouse,
      `SELECT count() AS n, quantilesExact(0.5, 0.9, 0.99)(latency_us) AS q FROM (${ASSIGNED}) WHERE arm = 'candidate' AND step = {step:Int16}`,
      { ...parameters(rollout), ...seenParameters(asOf), step: rollout.step },
    );
    return row && row.n >= 100 ? { p50: row.q[0], p90: row.q[1], p99: row.q[2] } : null;
  }

  /**
   * Outcomes of exposed units: events by the second in which both prediction and outcome had arrived, and the units
   * observed in the present step.
   */
  async outcomes(
    rollout: Rollout,
    asOf: AsOf,
    metric: Metric,
  ): Promise<{ cells: CountCell[]; step: Record<'control' | 'candidate', { units: number; events: number }> }> {
    if (!('outcome' in metric.source)) throw new Error(`${metric.name} has no outcome`);
    const { outcome, compare } = metric.source;
    const output = compare ? ('equals' in compare ? compare.equals : compare.differs_from) : '';
    const same = `coalesce(toFloat64OrNull(value) = toFloat64OrNull(outputs[{output:String}]), value = outputs[{output:String}])`;
    // An answer without the output (an error, or a body too long for the log) cannot be compared: it is not observed,
    // rather than counted as an event.
    const observable = compare ? ' AND mapContains(outputs, {output:String})' : '';
    const event = compare ? ('equals' in compare ? same : `NOT ${same}`) : 'coalesce(number, 0) != 0';
    const facts = `SELECT value, number, unit, request_id, arrived_at, time FROM slipway.outcomes FINAL WHERE endpoint = {endpoint:String} AND name = {outcome:String} AND arrived_at >= fromUnixTimestamp64Milli({since:Int64}) AND ${seen('outcomes')}`;
    const columns =
      'p.step AS step, p.weight AS weight, p.arm AS arm, p.unit AS unit, p.outputs AS outputs, p.time AS predicted, o.time AS happened, o.value AS value, o.number AS number, greatest(p.second, toUnixTimestamp(o.arrived_at)) AS second';
    const exposed = `SELECT * FROM (${ASSIGNED}) WHERE reason = 'randomised'`;
    const joined = `
      SELECT ${columns} FROM (${facts} AND request_id != '') AS o INNER JOIN (${exposed}) AS p ON p.request_id = o.request_id
      UNION ALL
      SELECT ${columns} FROM (${facts} AND unit != '') AS o ASOF INNER JOIN (${exposed}) AS p ON p.unit = o.unit AND p.arrived_at <= o.arrived_at`;
    const rows = await queryRows<Row & { observed: number; events: number }>(
      this.clickhouse,
      `SELECT step, weight, arm, second, countIf(has_event) AS n, count() AS observed FROM (
        SELECT step, weight, arm, unit, max(${event}) AS has_event, if(has_event, minIf(second, ${event}), min(second)) AS second
        FROM (${joined}) WHERE happened <= predicted + toIntervalMillisecond({window:Int64})${observable} GROUP BY step, weight, arm, unit)
      GROUP BY step, weight, arm, second`,
      { ...parameters(rollout), ...seenParameters(asOf), outcome, output, window: durationMs(metric.window) },
    );
    const step = { control: { units: 0, events: 0 }, candidate: { units: 0, events: 0 } };
    for (const r of rows) {
      if (r.step !== rollout.step) continue;
      step[r.arm].units += r.observed;
      step[r.arm].events += r.n;
    }
    return { cells: cells(rows), step };
  }
}
