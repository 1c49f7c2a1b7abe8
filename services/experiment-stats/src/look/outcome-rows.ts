import { durationMs } from '@slipway/core';
import { type Metric } from '@slipway/release';
import { seen } from './as-of.ts';
import { COMPARABLE, SINCE } from './exposed-rows.ts';

/**
 * Which outcomes belong to which exposure, as SQL. Everything goes by arrival at Kafka: it is one clock, and says which
 * rows a look could have seen. An outcome by request id belongs to that request; one by unit to the latest exposure of
 * the unit in this rollout before it. The view `prediction_outcomes` says the same for analysts, of all rollouts.
 */

/**
 * The rows of a router wait in its journal while Kafka is away, so an outcome may be there before the exposure that it
 * belongs to: it is counted when that comes, if it comes within so long, and only if it also happened later by the
 * clocks of those who wrote the rows: what was bought before the first request is no conversion of it.
 */
const OVERTAKING_SECONDS = 3600;

/** Names of tables: whatever a metric or an outcome is called. */
const named = (kind: string, name: string) => `${kind}_${Buffer.from(name).toString('hex')}`;

/** `posted`, a temporary table of the look: the outcomes of one name. */
const postedRows = (outcome: string) => ({
  table: named('posted', outcome),
  sql: `
    SELECT sipHash64(event_id) AS id, value, number, unit, request_id, arrived_at, time FROM slipway.outcomes FINAL
    WHERE endpoint = {endpoint:String} AND name = {outcome:String} AND ${SINCE} AND ${seen('outcomes')}`,
  parameters: { outcome },
});

const NEVER = "toDateTime64('2200-01-01 00:00:00', 3)";

/**
 * `tried`, a temporary table of the look: beside each exposure when its unit's first request of this rollout failed
 * (`failed_at`). What a unit does from then on is no evidence: a candidate's caller got the control's answer, the
 * control's got none, so they go different ways however alike the versions are. Up to then both arms go alike under the
 * null: every count here is one of the time up to the unit's first failure.
 */
export const TRIED_ROWS = `
  SELECT *, min(if(failed, arrived_at, ${NEVER})) OVER (PARTITION BY unit) AS failed_at FROM (${COMPARABLE})`;

/** One exposure a unit and arrival (the rows of one Kafka record arrive together): the last by the router's clock. */
const LATEST = `
  SELECT * FROM tried ORDER BY arrived_at, time DESC, request_id DESC LIMIT 1 BY unit, arrived_at`;
const FIRST = `SELECT * FROM tried ORDER BY arrived_at, time, request_id LIMIT 1 BY unit`;

const COLUMNS = `p.step AS step, p.weight AS weight, p.arm AS arm, p.unit AS unit, p.outputs AS outputs,
  p.arrived_at AS predicted, p.failed_at AS failed_at, o.arrived_at AS posted,
  o.id AS id, o.value AS value, o.number AS number, greatest(p.second, toUnixTimestamp(o.arrived_at)) AS second`;

const joined = (posted: string) => `
  SELECT ${COLUMNS} FROM (SELECT * FROM ${posted} WHERE request_id != '') AS o
  INNER JOIN tried AS p ON p.request_id = o.request_id
  UNION ALL
  SELECT ${COLUMNS} FROM (SELECT * FROM ${posted} WHERE unit != '') AS o
  ASOF INNER JOIN (${LATEST}) AS p ON p.unit = o.unit AND p.arrived_at <= o.arrived_at
  UNION ALL
  SELECT ${COLUMNS} FROM (SELECT * FROM ${posted} WHERE unit != '') AS o INNER JOIN (${FIRST}) AS p ON p.unit = o.unit
  WHERE p.arrived_at > o.arrived_at AND p.arrived_at <= o.arrived_at + toIntervalSecond(${OVERTAKING_SECONDS})
    AND p.time <= o.time`;

const AFTER = (from: string) => `${from} + toIntervalMillisecond({window:Int64})`;

/** Columns of both ways to count: step, weight, arm, unit, has_event, second (of the event, for the evidence). */
const KEY = 'step, weight, arm, unit';

/** How one metric reads an outcome: conditions on the columns of {@link joined}. */
type Reading = {
  event: string;
  /** Whether it can be told. */
  observable: string;
  /** The outcome tells the quality of an answer (it is compared with it) and not what the caller did. */
  ofAnswer: boolean;
  higher: boolean;
  /** Further columns of a unit, from the condition that a row is an event of it. */
  also: (event: string) => readonly string[];
};

/** Of an answer before the unit's first failure; and what the caller did by itself also came before that. */
const beforeFailure = ({ ofAnswer }: Reading) => `predicted < failed_at${ofAnswer ? '' : ' AND posted < failed_at'}`;

const inWindow = (reading: Reading) => `
  (found AND ${reading.event} AND ${reading.observable} AND ${beforeFailure(reading)}
    AND posted <= ${AFTER('exposed_at')})`;
const further = ({ also }: Reading, event: string) =>
  also(event)
    .map((column) => `, ${column}`)
    .join('');

/**
 * Units with an outcome within the window of the prediction that it is about. Of a unit without one nothing is known.
 */
const observed = (posted: string, reading: Reading) => `
  SELECT ${KEY}, max(${reading.event}) AS has_event,
    if(has_event, minIf(second, ${reading.event}), min(second)) AS second${further(reading, reading.event)}
  FROM (${joined(posted)})
  WHERE posted <= ${AFTER('predicted')} AND ${beforeFailure(reading)} AND ${reading.observable} GROUP BY ${KEY}`;

/**
 * Units exposed whose window is over, counted from their first exposure to the step at that share. Nothing counts
 * before: an arm whose outcomes come sooner, and no more often, must not look better; and none counts after. A unit
 * that failed before that exposure is none. One that fails within its window before an event counts against its arm:
 * as one without an event that is good, and not at all where an event is bad (it would look like one that went well).
 */
const exposed = (posted: string, reading: Reading) => `
  SELECT ${KEY}, max(${inWindow(reading)}) AS has_event,
    toUnixTimestamp(${AFTER('any(exposed_at)')}) AS second${further(reading, inWindow(reading))}
  FROM (
    SELECT ${KEY}, min(arrived_at) AS exposed_at, any(failed_at) AS stay_failed_at FROM tried GROUP BY ${KEY}
    HAVING ${AFTER('exposed_at')} <= fromUnixTimestamp64Milli({closed:Int64}) AND exposed_at <= stay_failed_at) AS s
  LEFT JOIN (SELECT true AS found, * FROM (${joined(posted)})) AS o USING (${KEY}) GROUP BY ${KEY}
  ${reading.higher ? '' : `HAVING has_event OR any(stay_failed_at) > ${AFTER('any(exposed_at)')}`}`;

type Query = { table: string; sql: string; parameters: Record<string, unknown> };

/**
 * The units of a metric, one row for each step and share in which a unit counts: the query, which reads the look's
 * tables `tried` and `posted`, and its parameters beside those of the rollout and the look.
 *
 * @param also further columns, from the condition that a row of an outcome (`id`, `value`, `number`) is an event of the
 * unit
 * @throws Error for a metric that has no outcome
 */
export function outcomeUnits(
  metric: Metric,
  also: (event: string) => readonly string[] = () => [],
): Query & { posted: Query } {
  if (!('outcome' in metric.source)) throw new Error(`${metric.name} has no outcome`);
  const { outcome, compare } = metric.source;
  const output = compare ? ('equals' in compare ? compare.equals : compare.differs_from) : '';
  const same = `coalesce(toFloat64OrNull(value) = toFloat64OrNull(outputs[{output:String}]),
    value = outputs[{output:String}])`;
  // An answer without the output (an error, or a body too long for the log), or with several elements (a list), cannot
  // be compared: it is not observed, rather than counted as an event.
  const observable = compare
    ? 'mapContains(outputs, {output:String}) AND NOT slipway_is_list(outputs[{output:String}])'
    : 'true';
  const event = compare ? ('equals' in compare ? same : `NOT ${same}`) : 'coalesce(number, 0) != 0';
  const posted = postedRows(outcome);
  return {
    posted,
    table: named('units', metric.name),
    sql: (metric.per === 'exposed' ? exposed : observed)(posted.table, {
      event,
      observable,
      ofAnswer: compare !== undefined,
      higher: metric.direction === 'higher',
      also,
    }),
    parameters: { output, window: durationMs(metric.window) },
  };
}
