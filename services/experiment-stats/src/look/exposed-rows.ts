import { assignmentReasons } from '@slipway/contracts';
import { CONTROL } from '@slipway/core';
import { candidatesOf, pairShare, type Rollout } from '@slipway/release';
import { seen } from './as-of.ts';
import { crossedUnits, metShares } from './returning-units.ts';

/**
 * So far apart the registry's clock, which says when a rollout began, and Kafka's, which says when a row arrived, may
 * be. Ids of rollouts are unique, so bounds on arrival only spare reading what is much older.
 */
export const CLOCKS_DIFFER_MS = 2 * 3_600_000;

/** Of every query here: which rollout, its arms, and from when on. */
export function rolloutParameters(rollout: Rollout): Record<string, unknown> {
  return {
    rollout: rollout.id,
    endpoint: rollout.spec.endpoint,
    arms: [CONTROL, ...candidatesOf(rollout.spec).map((c) => c.name)],
    since: (rollout.started_at ?? rollout.created_at) - CLOCKS_DIFFER_MS,
  };
}

export const SINCE = 'arrived_at >= fromUnixTimestamp64Milli({since:Int64})';
/** From an hour before the rollout on, or a little more: where the control's baseline comes from. */
export const AROUND = `${SINCE} - INTERVAL 1 HOUR`;

/**
 * Of a row: the request was not answered by its own arm. A control's answer that is `late` (a candidate would not have
 * been waited for it, but fallen back) is a failure as that is.
 */
export const FAILED = "(status >= 400 OR fallback_from != '' OR error_code = 'late')";

/** Of the queries of one look: which candidate is compared with control, and what both have together of the units. */
export function candidateParameters({ spec }: Rollout, candidate: string): Record<string, unknown> {
  return { candidate, pair: pairShare(spec, candidate) };
}

/** Of a row: its arm and its reason are known ones. Others land and are counted, and no verdict reads them. */
export const KNOWN = `assigned_arm IN {arms:Array(String)}
    AND reason IN (${assignmentReasons.map((reason) => `'${reason}'`).join(', ')})`;

/**
 * The exposures of one candidate of a rollout and of control, a row a request. Rows are deduplicated (FINAL), and
 * seconds are arrivals at Kafka. The candidate's share, among the units of these two arms, is read from the rows' own
 * assignment probability; from control's as from its own, to the same nine digits. An `ejected` request was randomised
 * like the others, so it is an exposure; but the candidate was not tried (the control's: would not have been), so it is
 * no event and no latency of either arm. A row of an arm or for a reason that is not known is none.
 */
export const EXPOSED_ROWS = `
  SELECT step, round(if(assigned_arm = 'control', {pair:Float64} - probability, probability), 9) AS part,
    round(part / {pair:Float64}, 9) AS weight,
    assigned_arm AS arm, unit, request_id, toUnixTimestamp(arrived_at) AS second, arrived_at, time, latency_us, outputs,
    arrived_at - toIntervalMicrosecond(latency_us) + toIntervalMicrosecond(settled_us) AS settled_at,
    ${FAILED} AS failed, fallback_from != '' AND served_version = '' AS nobody, reason
  FROM slipway.predictions FINAL
  WHERE rollout_id = {rollout:String} AND endpoint = {endpoint:String} AND reason IN ('randomised', 'ejected')
    AND assigned_arm IN ('control', {candidate:String}) AND ${SINCE} AND ${seen('predictions')}`;

/** The same rows, and what follows from them, in the temporary tables of a look (`look-rows.store.ts`). */
export const ASSIGNED = 'SELECT * FROM exposed';
/** Several candidates have fixed shares: then no unit may be in two arms, whichever they are. */
export const CROSSED_ROWS = `
  ${crossedUnits(ASSIGNED)}
  UNION DISTINCT
  SELECT unit FROM slipway.predictions FINAL
  WHERE length({arms:Array(String)}) > 2 AND rollout_id = {rollout:String} AND endpoint = {endpoint:String}
    AND reason IN ('randomised', 'ejected') AND assigned_arm IN {arms:Array(String)} AND ${SINCE}
    AND ${seen('predictions')}
  GROUP BY unit HAVING uniqExact(assigned_arm) > 1`;
export const SHARE_ROWS = metShares(ASSIGNED);
export const SHARES = 'SELECT * FROM shares';

/**
 * The same, arriving when either arm would have told alike how they ended; those that are still to come by then are
 * left out. A hung candidate is given up before a hung control is, and its row comes sooner. Parameter: closed.
 */
export const SETTLED = `
  SELECT * REPLACE (settled_at AS arrived_at) FROM (
    SELECT * FROM (${ASSIGNED})
    WHERE settled_at <= arrived_at OR settled_at <= fromUnixTimestamp64Milli({closed:Int64}))`;

/** Without the units of a fault of exposure. */
export const UNCROSSED = `SELECT * FROM (${ASSIGNED}) WHERE unit NOT IN (SELECT unit FROM crossed)`;

/**
 * What each arm was tried for, or would have been by the same draw the other way: alike in both while one is ejected.
 */
export const COMPARABLE = `SELECT * FROM (${UNCROSSED}) WHERE reason = 'randomised'`;

/**
 * Those that their own arm answered, for latency. A failed request's time is no latency of its arm: the candidate's is
 * its own attempt and then the control's, the control's is one attempt. That it failed is an error.
 */
export const ANSWERED = `SELECT * FROM (${COMPARABLE}) WHERE NOT failed`;
