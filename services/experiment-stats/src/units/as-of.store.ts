import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { Rollout } from '@slipway/release';
import { offsetsOf, type Positions, type Seen } from './touched.ts';
import type { Offsets } from '../look/as-of.ts';
import { AROUND, rolloutParameters } from '../look/rollout-rows.ts';

/** What arrived at Kafka so long ago is in ClickHouse, whose tables take in what there is within 0.8 s. */
export const SETTLE_MS = 2000;

type Position = { p: number; n: number; at: number };
/** Of a table; about a rollout, or of outcomes about an endpoint. */
type Newest = Position & { of: 'predictions' | 'outcomes' | 'evidence'; about: string };

/** Of running rollouts evidence comes each second: only so much of it is read, by the clock of those who give it. */
const RECENT_MS = 600_000;

const positionsOf = (rows: readonly Position[]): Positions =>
  Object.fromEntries(rows.map(({ p, n, at }) => [p, { offset: Number(n), arrived: Number(at) }]));

const POSITION = 'kafka_partition AS p, max(kafka_offset) + 1 AS n, toUnixTimestamp64Milli(max(arrived_at)) AS at';

/** Says what there is of a rollout. */
export class AsOfStore {
  private readonly clickhouse: ClickHouseClient;
  /** When the audit row of a resume arrived, by rollout and time of the resume: it stays so. */
  private readonly resumes = new Map<string, { resumedAt: number; arrived: number }>();
  /** What the next look at a rollout is to use. */
  private readonly prepared = new Map<string, Newest[]>();
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  forget(rolloutId: string): void {
    this.resumes.delete(rolloutId);
  }

  /** Reads for all of these rollouts what there is of them; the next look at each uses that. */
  async prepare(rollouts: readonly Rollout[], now: number): Promise<void> {
    this.prepared.clear();
    const rows = await this.positions(rollouts, true, now - RECENT_MS);
    for (const { id, spec } of rollouts)
      this.prepared.set(
        id,
        rows.filter((row) => row.about === id || (row.of === 'outcomes' && row.about === spec.endpoint)),
      );
  }

  private positions(rollouts: readonly Rollout[], outcomes: boolean, since = 0): Promise<Newest[]> {
    const endpoints = [...new Set(rollouts.map(({ spec }) => spec.endpoint))];
    const parameters = { ids: rollouts.map(({ id }) => id), endpoints, since };
    return queryRows<Newest>(
      this.clickhouse,
      outcomes ? `${PREDICTIONS} UNION ALL ${OUTCOMES}` : PREDICTIONS,
      parameters,
    );
  }

  /**
   * What there is of a rollout now.
   *
   * @param outcomes whether any metric of it reads outcomes
   * @param baseline offsets of the look that fixed its latency baseline
   */
  async now(rollout: Rollout, outcomes: boolean, baseline: Offsets): Promise<Seen> {
    const resumedAt = rollout.visits.at(-1)?.resumed_at;
    const prepared = this.prepared.get(rollout.id);
    // Once: who asks again wants to know what there is by then.
    this.prepared.delete(rollout.id);
    const [positions, resumed] = await Promise.all([
      prepared?.filter((row) => outcomes || row.of !== 'outcomes') ?? this.positions([rollout], outcomes),
      resumedAt === undefined ? undefined : this.resumed(rollout.id, resumedAt),
    ]);
    const of = (name: string) => positions.filter((row) => row.of === name);
    // Evidence comes each second, so windows end where nobody asks any more.
    const newest = Math.max(0, ...positions.map(({ at }) => Number(at)));
    const seen = { predictions: positionsOf(of('predictions')), outcomes: positionsOf(of('outcomes')) };
    return {
      ...seen,
      asOf: {
        predictions: offsetsOf(seen.predictions),
        outcomes: offsetsOf(seen.outcomes),
        baseline,
        closed: Math.max(0, newest - SETTLE_MS),
        // What has arrived by now is no news of a resume whose audit row is still under way.
        resumed: resumedAt === undefined ? 0 : (resumed ?? newest),
      },
    };
  }

  /** Everything of an endpoint that a baseline may be read from. */
  async around(rollout: Rollout): Promise<Offsets> {
    const rows = await queryRows<Position>(
      this.clickhouse,
      `SELECT ${POSITION} FROM slipway.predictions WHERE endpoint = {endpoint:String} AND ${AROUND} GROUP BY p`,
      rolloutParameters(rollout),
    );
    return offsetsOf(positionsOf(rows));
  }

  /** When the row of a resume arrived; undefined while it is under way. */
  private async resumed(rolloutId: string, resumedAt: number): Promise<number | undefined> {
    const known = this.resumes.get(rolloutId);
    if (known?.resumedAt === resumedAt) return known.arrived;
    const [row] = await queryRows<{ at: number }>(
      this.clickhouse,
      `SELECT toUnixTimestamp64Milli(min(arrived_at)) AS at FROM slipway.audit
       WHERE aggregate = {aggregate:String} AND JSONExtractInt(state, 'visits', -1, 'resumed_at') = {resumed:Int64}
       HAVING count() > 0`,
      { aggregate: `rollout/${rolloutId}`, resumed: resumedAt },
    );
    if (row) this.resumes.set(rolloutId, { resumedAt, arrived: Number(row.at) });
    return row && Number(row.at);
  }
}

/** One query, since each has a price of its own that does not depend on what it reads. */
const PREDICTIONS = `
  SELECT 'predictions' AS of, rollout_id AS about, ${POSITION} FROM slipway.unit_exposures
  WHERE endpoint IN {endpoints:Array(String)} AND rollout_id IN {ids:Array(String)}
  GROUP BY endpoint, rollout_id, kafka_partition
  UNION ALL
  SELECT 'evidence', rollout_id, 0, 0, toUnixTimestamp64Milli(max(arrived_at)) FROM slipway.evidence
  WHERE rollout_id IN {ids:Array(String)} AND time >= fromUnixTimestamp64Milli({since:Int64}) GROUP BY rollout_id`;
const OUTCOMES = `
  SELECT 'outcomes', endpoint, ${POSITION} FROM slipway.unit_outcomes WHERE endpoint IN {endpoints:Array(String)}
  GROUP BY endpoint, kafka_partition`;
