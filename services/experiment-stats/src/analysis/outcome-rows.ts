import { durationMs, type Metric } from '@slipway/contracts';
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

const OUTCOMES = `
  SELECT value, number, unit, request_id, arrived_at, time FROM slipway.outcomes FINAL
  WHERE endpoint = {endpoint:String} AND name = {outcome:String} AND ${SINCE} AND ${seen('outcomes')}`;
const BY_UNIT = `SELECT * FROM (${OUTCOMES}) WHERE unit != ''`;

/** One exposure a unit and arrival (the rows of one Kafka record arrive together): the last by the router's clock. */
const LATEST = `
  SELECT * FROM (${COMPARABLE}) ORDER BY arrived_at, time DESC, request_id DESC LIMIT 1 BY unit, arrived_at`;
const FIRST = `SELECT * FROM (${COMPARABLE}) ORDER BY arrived_at, time, request_id LIMIT 1 BY unit`;

const COLUMNS = `p.step AS step, p.weight AS weight, p.arm AS arm, p.unit AS unit, p.outputs AS outputs,
  p.arrived_at AS predicted, o.arrived_at AS posted, o.value AS value, o.number AS number,
  greatest(p.second, toUnixTimestamp(o.arrived_at)) AS second`;

const JOINED = `
  SELECT ${COLUMNS} FROM (SELECT * FROM (${OUTCOMES}) WHERE request_id != '') AS o
  INNER JOIN (${COMPARABLE}) AS p ON p.request_id = o.request_id
  UNION ALL
  SELECT ${COLUMNS} FROM (${BY_UNIT}) AS o
  ASOF INNER JOIN (${LATEST}) AS p ON p.unit = o.unit AND p.arrived_at <= o.arrived_at
  UNION ALL
  SELECT ${COLUMNS} FROM (${BY_UNIT}) AS o INNER JOIN (${FIRST}) AS p ON p.unit = o.unit
  WHERE p.arrived_at > o.arrived_at AND p.arrived_at <= o.arrived_at + toIntervalSecond(${OVERTAKING_SECONDS})
    AND p.time <= o.time`;

const AFTER = (from: string) => `${from} + toIntervalMillisecond({window:Int64})`;

/** Columns of both kinds of counting: step, weight, arm, unit, has_event, second (of the event, for the evidence). */
const KEY = 'step, weight, arm, unit';

/**
 * Units with an outcome within the window of the prediction that it is about. Of a unit without one nothing is known.
 */
const observed = (event: string, observable: string) => `
  SELECT ${KEY}, max(${event}) AS has_event, if(has_event, minIf(second, ${event}), min(second)) AS second
  FROM (${JOINED}) WHERE posted <= ${AFTER('predicted')} AND ${observable} GROUP BY ${KEY}`;

/**
 * Units exposed whose window is over, counted from their first exposure to the step at that share. Nothing counts
 * before: an arm whose outcomes come sooner, and no more often, must not look better; and none counts after.
 */
const exposed = (event: string, observable: string) => `
  SELECT ${KEY}, max(found AND ${event} AND ${observable} AND posted <= ${AFTER('exposed_at')}) AS has_event,
    toUnixTimestamp(${AFTER('any(exposed_at)')}) AS second
  FROM (
    SELECT ${KEY}, min(arrived_at) AS exposed_at FROM (${COMPARABLE}) GROUP BY ${KEY}
    HAVING ${AFTER('exposed_at')} <= fromUnixTimestamp64Milli({closed:Int64})) AS s
  LEFT JOIN (SELECT true AS found, * FROM (${JOINED})) AS o USING (${KEY}) GROUP BY ${KEY}`;

/**
 * The units of a metric, one row for each step and share in which a unit counts, and the parameters of that query beside
 * those of the rollout and the look.
 *
 * @throws Error for a metric that has no outcome
 */
export function outcomeUnits(metric: Metric): { sql: string; parameters: Record<string, unknown> } {
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
  return {
    sql: (metric.per === 'exposed' ? exposed : observed)(event, observable),
    parameters: { outcome, output, window: durationMs(metric.window) },
  };
}
