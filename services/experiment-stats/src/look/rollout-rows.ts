import { assignmentReasons } from '@slipway/contracts';
import { CONTROL } from '@slipway/core';
import { candidatesOf, type Rollout } from '@slipway/release';

/**
 * Largest difference between the registry's clock (start of a rollout) and Kafka's (arrival of a row). Ids of rollouts
 * are unique, so bounds on arrival only avoid reading much older rows.
 */
export const CLOCKS_DIFFER_MS = 2 * 3_600_000;

/** The names of a rollout's arms, control first. */
export const armsOf = ({ spec }: Rollout): string[] => [CONTROL, ...candidatesOf(spec).map(({ name }) => name)];

/** For every query here: the rollout, its arms, and the start of its rows. */
export function rolloutParameters(rollout: Rollout): Record<string, unknown> {
  return {
    rollout: rollout.id,
    endpoint: rollout.spec.endpoint,
    arms: armsOf(rollout),
    since: (rollout.started_at ?? rollout.created_at) - CLOCKS_DIFFER_MS,
  };
}

export const SINCE = 'arrived_at >= fromUnixTimestamp64Milli({since:Int64})';
/** From an hour before the rollout on, or a little more: the source of control's baseline. */
export const AROUND = `${SINCE} - INTERVAL 1 HOUR`;

/**
 * Condition: the request was not answered by its own arm. A control answer that is `late` (after the time that a
 * candidate is given) is a failure, too.
 */
export const FAILED = "(status >= 400 OR fallback_from != '' OR error_code = 'late')";

/**
 * Condition: its arm and its reason are known values. Rows with others are stored and counted, but no verdict reads
 * them.
 */
export const KNOWN = `assigned_arm IN {arms:Array(String)}
    AND reason IN (${assignmentReasons.map((reason) => `'${reason}'`).join(', ')})`;
