import type { Rollout } from '@slipway/release';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { ArmTotals, CountCell } from '@slipway/stats';
import type { AsOf } from './as-of.ts';
import { countCells, type Pair, pairOf, type Row } from './cells.ts';
import { AROUND, ASSIGNED, COMPARABLE, rolloutParameters, SETTLED, SINCE } from './exposed-rows.ts';
import type { LookRows } from './look-rows.store.ts';
import { metShares } from './returning-units.ts';

export type Totals = Pair<ArmTotals> & { crossed: number };

/** What arrived at Kafka so long ago is in ClickHouse; its tables take in what there is every quarter of a second. */
const SETTLE_MS = 2000;

/**
 * What a look reads of a rollout whatever its metrics are, from ClickHouse: strata are the candidate's shares, and
 * every unit counts once per share in its first second, judged given its arms at the shares where it was met before
 * (`returning-units.ts`). Which rows those are: `exposed-rows.ts`; a look reads them once (`look-rows.store.ts`).
 */
export class CountsStore {
  private readonly clickhouse: ClickHouseClient;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
  }

  /** What there is of a rollout now. @param fixed what earlier looks saw of it, and the next ones are to see, too */
  async asOf(rollout: Rollout, fixed: Partial<AsOf> = {}): Promise<AsOf> {
    const parameters = rolloutParameters(rollout);
    let newest = 0;
    const of = async (table: string, condition: string) => {
      const rows = await queryRows<{ p: number; n: number; at: number }>(
        this.clickhouse,
        `SELECT kafka_partition AS p, max(kafka_offset) + 1 AS n, toUnixTimestamp64Milli(max(arrived_at)) AS at
         FROM slipway.${table} WHERE endpoint = {endpoint:String} AND ${condition} GROUP BY p ORDER BY p`,
        parameters,
      );
      newest = Math.max(newest, ...rows.map(({ at }) => Number(at)));
      return Object.fromEntries(rows.map(({ p, n }) => [p, Number(n)]));
    };
    // Evidence comes each second, so windows end where nobody asks any more.
    const evidence = queryRows<{ at: number }>(
      this.clickhouse,
      `SELECT toUnixTimestamp64Milli(max(arrived_at)) AS at FROM slipway.evidence WHERE rollout_id = {rollout:String}`,
      parameters,
    );
    const resumedAt = rollout.visits.at(-1)?.resumed_at;
    const resume =
      resumedAt === undefined
        ? []
        : queryRows<{ at: number }>(
            this.clickhouse,
            `SELECT toUnixTimestamp64Milli(min(arrived_at)) AS at FROM slipway.audit
             WHERE aggregate = {aggregate:String}
               AND JSONExtractInt(state, 'visits', -1, 'resumed_at') = {resumed:Int64}
             HAVING count() > 0`,
            { aggregate: `rollout/${rollout.id}`, resumed: resumedAt },
          );
    const [predictions, outcomes, before, [latest], [resumed]] = await Promise.all([
      of('predictions', `rollout_id = {rollout:String} AND ${SINCE}`),
      of('outcomes', SINCE),
      fixed.baseline ?? of('predictions', AROUND),
      evidence,
      resume,
    ]);
    newest = Math.max(newest, Number(latest?.at ?? 0));
    const closed = Math.max(0, newest - SETTLE_MS);
    // What has arrived by now is no news of a resume whose audit row is still under way.
    const since = resumedAt === undefined ? 0 : Number(resumed?.at ?? newest);
    return { predictions, outcomes, baseline: before, closed, resumed: since };
  }

  async exposures(look: LookRows): Promise<CountCell[]> {
    return countCells(
      await look.read<Row>(
        `SELECT chance AS weight, arm, toUnixTimestamp(met) AS second, count() AS n
         FROM (${metShares(SETTLED)}) GROUP BY weight, arm, second`,
        { closed: look.asOf.closed },
      ),
    );
  }

  /**
   * What was tried in the present step, without crossed units; and over all steps the units that were in both arms
   * where the shares do not allow it.
   */
  async totals(look: LookRows): Promise<Totals> {
    const rows = await look.read<{ arm: string; requests: number; units: number }>(
      `SELECT arm, count() AS requests, uniqExact(unit) AS units
       FROM (${COMPARABLE}) WHERE step = {step:Int16} GROUP BY arm`,
    );
    const crossed = await look.read<{ n: number }>('SELECT count() AS n FROM crossed');
    const of = (row: { requests: number; units: number } | undefined) => {
      const { requests = 0, units = 0 } = row ?? {};
      return { requests, units };
    };
    const { control, candidate } = pairOf(rows);
    return { control: of(control), candidate: of(candidate), crossed: crossed[0]?.n ?? 0 };
  }

  /**
   * When the rollout and its present step began and when the look was taken, milliseconds by Kafka's clock alone: the
   * first exposure, the step's first, and the newest of all rows that the look had heard of. A step is visited once.
   */
  async times(look: LookRows): Promise<{ began: number; stepBegan: number; now: number }> {
    const now = look.asOf.closed + SETTLE_MS;
    const [row] = await look.read<{ began: number; steps: number; stepBegan: number }>(
      `SELECT toUnixTimestamp64Milli(min(arrived_at)) AS began, countIf(step = {step:Int16}) AS steps,
         toUnixTimestamp64Milli(minIf(arrived_at, step = {step:Int16})) AS stepBegan
       FROM (${ASSIGNED}) HAVING count() > 0`,
    );
    if (!row) return { began: now, stepBegan: now, now };
    return { began: Number(row.began), stepBegan: row.steps > 0 ? Number(row.stepBegan) : now, now };
  }

  /**
   * For how many seconds the candidate has answered nothing itself in its present step, or since that was resumed: from
   * the first request that was ejected after its last answer to its latest request. 0 while it serves.
   */
  async outOfService(look: LookRows): Promise<number> {
    const [row] = await look.read<{ seconds: number }>(
      `WITH candidates AS (
         SELECT * FROM (${ASSIGNED})
         WHERE arm != 'control' AND step = {step:Int16} AND arrived_at > fromUnixTimestamp64Milli({resumed:Int64})),
         (SELECT max(arrived_at) FROM candidates WHERE NOT failed) AS answered
       SELECT if(countIf(reason = 'ejected' AND failed) = 0, 0,
         dateDiff('millisecond', minIf(arrived_at, reason = 'ejected' AND failed), max(arrived_at)) / 1000) AS seconds
       FROM candidates WHERE arrived_at > answered`,
      { resumed: look.asOf.resumed },
    );
    return row?.seconds ?? 0;
  }
}
