import { durationMs, type Metric, type Rollout } from '@slipway/contracts';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { ArmTotals, CountCell, LatencyCell, LatencyQuantiles } from '@slipway/stats';
import { type Baseline, type Cut, latencyBuckets, MIN_BASELINE } from './latency-buckets.ts';
import { crossedUnits, inOrder, metShares } from './returning-units.ts';

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
 * The sufficient statistics of one rollout, from ClickHouse. Rows are deduplicated (FINAL), strata are the candidate's
 * shares, every unit counts once per metric and share in its first second, judged given its arms at the shares where it
 * was met before (`returning-units.ts`), and seconds are arrivals at Kafka. The candidate's share is read from the
 * rows' own assignment probability. An `ejected` request was randomised like the others, so it is an exposure; but the
 * candidate was not tried (the control's: would not have been), so it is no event and no latency of either arm.
 * A control's answer that is `late` (a candidate would not have been waited for it, but fallen back) is a failure as that
 * is.
 */
const ASSIGNED = `
  SELECT step, round(if(assigned_arm = 'candidate', probability, 1 - probability), 9) AS weight, assigned_arm AS arm, unit, request_id, toUnixTimestamp(arrived_at) AS second, arrived_at,
    time, route_revision, router, latency_us, outputs, status >= 400 OR fallback_from != '' OR error_code = 'late' AS failed, reason
  FROM slipway.predictions FINAL
  WHERE rollout_id = {rollout:String} AND endpoint = {endpoint:String} AND reason IN ('randomised', 'ejected') AND arrived_at >= fromUnixTimestamp64Milli({since:Int64}) AND ${seen('predictions')}`;

const CROSSED = crossedUnits(ASSIGNED);
/** Without the units of a fault of exposure. */
const UNCROSSED = `SELECT * FROM (${ASSIGNED}) WHERE unit NOT IN (${CROSSED})`;
/** What each arm was tried for, or would have been by the same draw the other way: alike in both while one is ejected. */
const COMPARABLE = `SELECT * FROM (${UNCROSSED}) WHERE reason = 'randomised'`;

/** From an hour before the rollout on: where the control's baseline comes from. */
const AROUND = 'arrived_at >= fromUnixTimestamp64Milli({start:Int64}) - INTERVAL 1 HOUR';
const BEFORE = `arrived_at < fromUnixTimestamp64Milli({start:Int64}) AND ${AROUND}`;

/**
 * The rows of a router wait in its journal while Kafka is away, so an outcome may be there before the exposure that it
 * belongs to: it is counted when that comes, if it comes within so long.
 */
const OVERTAKING_SECONDS = 3600;

type Row = { weight: number; arm: 'control' | 'candidate'; second: number; n: number };
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
    const key = `${r.second} ${r.weight}`;
    const cell = found.get(key) ?? { second: r.second, weight: r.weight, control: 0, candidate: 0 };
    cell[r.arm] += r.n;
    found.set(key, cell);
  }
  return [...found.values()].sort((a, b) => a.second - b.second || a.weight - b.weight);
}

/** Per second and share: those of `events` (one row a unit and share, with its second) that count. */
const judged = (events: string, ...also: string[]) =>
  `SELECT ${['chance AS weight', 'arm', 'second', ...also].join(', ')}, count() AS n FROM (${inOrder(ASSIGNED, events, also)}) GROUP BY ${['chance', 'arm', 'second', ...also].join(', ')}`;

export class CountsStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  /** What there is of a rollout now. @param baseline what the look saw that fixed the latency baseline */
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
      baseline ?? of('predictions', AROUND),
    ]);
    return { predictions, outcomes, baseline: before };
  }

  async exposures(rollout: Rollout, asOf: AsOf): Promise<CountCell[]> {
    return cells(
      await queryRows<Row>(
        this.clickhouse,
        `SELECT chance AS weight, arm, toUnixTimestamp(met) AS second, count() AS n FROM (${metShares(ASSIGNED)}) GROUP BY weight, arm, second`,
        { ...parameters(rollout), ...seenParameters(asOf) },
      ),
    );
  }

  /** First failures of units; and in the present step the units that were tried, and those that failed. */
  async errors(
    rollout: Rollout,
    asOf: AsOf,
  ): Promise<{ cells: CountCell[]; step: Record<'control' | 'candidate', { units: number; events: number }> }> {
    const known = { ...parameters(rollout), ...seenParameters(asOf), step: rollout.step };
    const [rows, tried] = await Promise.all([
      queryRows<Row>(
        this.clickhouse,
        judged(
          `SELECT weight, arm, unit, min(second) AS second FROM (${ASSIGNED}) WHERE failed AND reason = 'randomised' GROUP BY weight, arm, unit`,
        ),
        known,
      ),
      queryRows<{ arm: 'control' | 'candidate'; units: number; events: number }>(
        this.clickhouse,
        `SELECT arm, uniqExact(unit) AS units, uniqExactIf(unit, failed) AS events FROM (${UNCROSSED}) WHERE step = {step:Int16} AND reason = 'randomised' GROUP BY arm`,
        known,
      ),
    ]);
    const of = (arm: string) => {
      const { units = 0, events = 0 } = tried.find((r) => r.arm === arm) ?? {};
      return { units, events };
    };
    return { cells: cells(rows), step: { control: of('control'), candidate: of('candidate') } };
  }

  /**
   * Of the present step, without crossed units; and over all steps the units that were in both arms where the shares do
   * not allow it.
   */
  async totals(rollout: Rollout, asOf: AsOf): Promise<Totals> {
    const known = { ...parameters(rollout), ...seenParameters(asOf), step: rollout.step };
    const [rows, crossed] = await Promise.all([
      queryRows<{ arm: 'control' | 'candidate'; requests: number; units: number }>(
        this.clickhouse,
        `SELECT arm, count() AS requests, uniqExact(unit) AS units FROM (${UNCROSSED}) WHERE step = {step:Int16} GROUP BY arm`,
        known,
      ),
      queryRows<{ n: number }>(this.clickhouse, `SELECT count() AS n FROM (${CROSSED})`, known),
    ]);
    const of = (arm: string) => {
      const { requests = 0, units = 0 } = rows.find((r) => r.arm === arm) ?? {};
      return { requests, units };
    };
    return { control: of('control'), candidate: of('candidate'), crossed: crossed[0]?.n ?? 0 };
  }

  /**
   * For how many seconds the candidate has answered nothing itself since its present visit began: from the first request
   * that was ejected after its last answer to its latest request. 0 while it serves.
   */
  async outOfService(rollout: Rollout, asOf: AsOf): Promise<number> {
    const [row] = await queryRows<{ seconds: number }>(
      this.clickhouse,
      `WITH candidates AS (SELECT * FROM (${ASSIGNED}) WHERE arm = 'candidate' AND arrived_at >= fromUnixTimestamp64Milli({active:Int64})),
         (SELECT max(arrived_at) FROM candidates WHERE reason = 'randomised' AND NOT failed) AS answered
       SELECT if(countIf(reason = 'ejected') = 0, 0, dateDiff('millisecond', minIf(arrived_at, reason = 'ejected'), max(arrived_at)) / 1000) AS seconds
       FROM candidates WHERE arrived_at > answered`,
      { ...parameters(rollout), ...seenParameters(asOf), active: rollout.visits.at(-1)?.active_at ?? 0 },
    );
    return row?.seconds ?? 0;
  }

  /**
   * The control's latency from before the rollout, newest 10,000 answers of its last hour; where those are too few, its
   * first answers of the rollout itself, which are no evidence then.
   */
  async baseline(rollout: Rollout, asOf: AsOf): Promise<Baseline> {
    const known = {
      ...parameters(rollout),
      ...seenParameters(asOf),
      control: `${rollout.control.model}:${rollout.control.version}`,
      first: MIN_BASELINE,
    };
    const before = await queryRows<{ latency_us: number }>(
      this.clickhouse,
      `SELECT latency_us FROM slipway.predictions FINAL
       WHERE endpoint = {endpoint:String} AND served_version = {control:String} AND status < 400
         AND ${BEFORE} AND ${seen('baseline')}
       ORDER BY arrived_at DESC, event_id LIMIT 10000`,
      known,
    );
    const found = latencyBuckets(before.map((r) => r.latency_us));
    if (found.edges) return found;
    const own = await queryRows<{ latency_us: number; second: number }>(
      this.clickhouse,
      `SELECT latency_us, toUnixTimestamp(arrived_at) AS second FROM slipway.predictions FINAL
       WHERE rollout_id = {rollout:String} AND endpoint = {endpoint:String} AND assigned_arm = 'control'
         AND reason = 'randomised' AND status < 400 AND fallback_from = '' AND ${AROUND} AND ${seen('baseline')}
       ORDER BY arrived_at, event_id LIMIT {first:UInt32}`,
      known,
    );
    return latencyBuckets(
      own.map((r) => r.latency_us),
      own.at(-1)?.second ?? 0,
    );
  }

  /**
   * First requests of units by latency bucket; the candidate's edges are stretched by the margin. Also its quantiles in
   * the present step.
   */
  async latency(rollout: Rollout, asOf: AsOf, baseline: Cut, margin: number): Promise<LatencyCell[]> {
    const rows = await queryRows<Row & { bucket: number }>(
      this.clickhouse,
      judged(
        `SELECT weight, arm, unit, min(second) AS second, argMin(latency_us, (arrived_at, request_id)) / if(arm = 'candidate', {margin:Float64}, 1) AS l,
          multiIf(l <= {a:Float64}, 0, l <= {b:Float64}, 1, l <= {c:Float64}, 2, 3) AS bucket
        FROM (SELECT * FROM (${COMPARABLE}) WHERE second > {until:UInt32}) GROUP BY weight, arm, unit`,
        'bucket',
      ),
      {
        ...parameters(rollout),
        ...seenParameters(asOf),
        margin,
        a: baseline.edges[0],
        b: baseline.edges[1],
        c: baseline.edges[2],
        until: baseline.until,
      },
    );
    const found = new Map<string, { second: number; weight: number; control: number[]; candidate: number[] }>();
    for (const r of rows) {
      const key = `${r.second} ${r.weight}`;
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

  /** Answers of each arm in the present step with their p50, p90 and p99, microseconds. */
  async latencies(rollout: Rollout, asOf: AsOf): Promise<Record<'control' | 'candidate', LatencyQuantiles | null>> {
    const rows = await queryRows<{ arm: 'control' | 'candidate'; n: number; q: [number, number, number] }>(
      this.clickhouse,
      `SELECT arm, count() AS n, quantilesExact(0.5, 0.9, 0.99)(latency_us) AS q FROM (${COMPARABLE}) WHERE step = {step:Int16} AND NOT failed GROUP BY arm`,
      { ...parameters(rollout), ...seenParameters(asOf), step: rollout.step },
    );
    const of = (arm: string): LatencyQuantiles | null => {
      const row = rows.find((r) => r.arm === arm);
      return row ? { answers: row.n, p50: row.q[0], p90: row.q[1], p99: row.q[2] } : null;
    };
    return { control: of('control'), candidate: of('candidate') };
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
    // An answer without the output (an error, or a body too long for the log), or with several elements (a list), cannot
    // be compared: it is not observed, rather than counted as an event.
    const observable = compare
      ? " AND mapContains(outputs, {output:String}) AND NOT startsWith(outputs[{output:String}], '[')"
      : '';
    const event = compare ? ('equals' in compare ? same : `NOT ${same}`) : 'coalesce(number, 0) != 0';
    const facts = `SELECT value, number, unit, request_id, arrived_at, time FROM slipway.outcomes FINAL WHERE endpoint = {endpoint:String} AND name = {outcome:String} AND arrived_at >= fromUnixTimestamp64Milli({since:Int64}) AND ${seen('outcomes')}`;
    const columns =
      'p.step AS step, p.weight AS weight, p.arm AS arm, p.unit AS unit, p.outputs AS outputs, p.time AS predicted, o.time AS happened, o.value AS value, o.number AS number, greatest(p.second, toUnixTimestamp(o.arrived_at)) AS second';
    const exposed = COMPARABLE;
    const joined = `
      SELECT ${columns} FROM (${facts} AND request_id != '') AS o INNER JOIN (${exposed}) AS p ON p.request_id = o.request_id
      UNION ALL
      SELECT ${columns} FROM (${facts} AND unit != '') AS o ASOF INNER JOIN (${exposed}) AS p ON p.unit = o.unit AND p.arrived_at <= o.arrived_at
      UNION ALL
      SELECT ${columns} FROM (${facts} AND unit != '') AS o INNER JOIN (SELECT * FROM (${exposed}) ORDER BY arrived_at, request_id LIMIT 1 BY unit) AS p ON p.unit = o.unit
      WHERE p.arrived_at > o.arrived_at AND p.arrived_at <= o.arrived_at + toIntervalSecond(${OVERTAKING_SECONDS})`;
    const units = `
      SELECT step, weight, arm, unit, max(${event}) AS has_event, if(has_event, minIf(second, ${event}), min(second)) AS second
      FROM (${joined}) WHERE happened <= predicted + toIntervalMillisecond({window:Int64})${observable} GROUP BY step, weight, arm, unit`;
    const known = {
      ...parameters(rollout),
      ...seenParameters(asOf),
      outcome,
      output,
      window: durationMs(metric.window),
      step: rollout.step,
    };
    const [rows, present] = await Promise.all([
      queryRows<Row>(
        this.clickhouse,
        judged(
          `SELECT weight, arm, unit, min(second) AS second FROM (${units}) WHERE has_event GROUP BY weight, arm, unit`,
        ),
        known,
      ),
      queryRows<{ arm: 'control' | 'candidate'; units: number; events: number }>(
        this.clickhouse,
        `SELECT arm, count() AS units, countIf(has_event) AS events FROM (${units}) WHERE step = {step:Int16} GROUP BY arm`,
        known,
      ),
    ]);
    const step = { control: { units: 0, events: 0 }, candidate: { units: 0, events: 0 } };
    for (const { arm, units: observed, events } of present) step[arm] = { units: observed, events };
    return { cells: cells(rows), step };
  }
}
