import { type ClickHouseClient, queryRows } from '@slipway/platform';
import type { ServedRow } from '@slipway/routing';

/** The row of a request; the latest if there are several. */
export async function findServed(clickhouse: ClickHouseClient, id: string): Promise<ServedRow | undefined> {
  const [row] = await queryRows<ServedRow>(
    clickhouse,
    `SELECT request_id, endpoint, toString(time) AS time, served_version, fallback_from, assigned_arm, probability,
       reason, route_revision, rollout_id, step, unit, status, error_code, latency_us, router, source, trace_id,
       shadow_rollout_id
     FROM slipway.predictions FINAL WHERE request_id = {id:String} ORDER BY arrived_at DESC LIMIT 1`,
    { id },
  );
  return row;
}
