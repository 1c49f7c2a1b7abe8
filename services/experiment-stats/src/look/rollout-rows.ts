import { assignmentReasons } from '@slipway/contracts';
import { CONTROL } from '@slipway/core';
import { candidatesOf, type Rollout } from '@slipway/release';

/**
 * So far apart the registry's clock, which says when a rollout began, and Kafka's, which says when a row arrived, may
 * be. Ids of rollouts are unique, so bounds on arrival only spare reading what is much older.
 */
export const CLOCKS_DIFFER_MS = 2 * 3_600_000;

/** The names of a rollout's arms, control first. */
export const armsOf = ({ spec }: Rollout): string[] => [CONTROL, ...candidatesOf(spec).map(({ name }) => name)];

/** Of every query here: which rollout, its arms, and from when on. */
export function rolloutParameters(rollout: Rollout): Record<string, unknown> {
  return {
    rollout: rollout.id,
    endpoint: rollout.spec.endpoint,
    arms: armsOf(rollout),
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

/** Of a row: its arm and its reason are known ones. Others land and are counted, and no verdict reads them. */
export const KNOWN = `assigned_arm IN {arms:Array(String)}
    AND reason IN (${assignmentReasons.map((reason) => `'${reason}'`).join(', ')})`;
