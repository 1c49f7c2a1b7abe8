import { formatVersion } from '@slipway/core';
import type { Rollout } from '@slipway/release';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import { BEFORE, beforeParameters, type Offsets } from '../../look/as-of.ts';
import type { AsOfStore } from '../../units/as-of.store.ts';
import { AROUND, FAILED, KNOWN, rolloutParameters } from '../../look/rollout-rows.ts';
import { type Baseline, latencyBuckets, MIN_BASELINE } from './latency-buckets.ts';

/** Time after which a baseline with too little data is read again. */
const AGAIN_MS = 3000;

export type ReadBaseline = { offsets: Offsets; baseline: Baseline };

/** Control's latency, with which that of both arms is compared. */
export class BaselineStore {
  private readonly clickhouse: ClickHouseClient;
  private readonly asOf: AsOfStore;
  private readonly kept = new Map<string, ReadBaseline & { at: number }>();
  constructor(clickhouse: ClickHouseClient, asOf: AsOfStore) {
    this.clickhouse = clickhouse;
    this.asOf = asOf;
  }

  forget(rolloutId: string): void {
    this.kept.delete(rolloutId);
  }

  /** Kept once there are enough answers. @param now monotonic milliseconds */
  async of(rollout: Rollout, now: number): Promise<ReadBaseline> {
    const known = this.kept.get(rollout.id);
    if (known && (known.baseline.edges || now - known.at < AGAIN_MS)) return known;
    const offsets = await this.asOf.around(rollout);
    const found = { offsets, baseline: await this.read(rollout, offsets), at: now };
    this.kept.set(rollout.id, found);
    return found;
  }

  /**
   * Control's latency before the rollout: the newest 10,000 answers of the last hours; when these are too few, its
   * first answers of the rollout itself, which are not evidence then.
   */
  async read(rollout: Rollout, offsets: Offsets): Promise<Baseline> {
    const known = {
      ...rolloutParameters(rollout),
      ...beforeParameters(offsets),
      control: formatVersion(rollout.control),
      first: MIN_BASELINE,
    };
    const before = await queryRows<{ latency_us: number }>(
      this.clickhouse,
      `SELECT latency_us FROM slipway.predictions FINAL
       WHERE endpoint = {endpoint:String} AND served_version = {control:String} AND NOT ${FAILED}
         AND rollout_id != {rollout:String} AND ${KNOWN} AND ${AROUND} AND ${BEFORE}
       ORDER BY arrived_at DESC, event_id LIMIT 10000`,
      known,
    );
    const found = latencyBuckets(before.map((r) => r.latency_us));
    if (found.edges) return found;
    const own = await queryRows<{ latency_us: number; second: number }>(
      this.clickhouse,
      `SELECT latency_us, toUnixTimestamp(arrived_at) AS second FROM slipway.predictions FINAL
       WHERE rollout_id = {rollout:String} AND endpoint = {endpoint:String} AND assigned_arm = 'control'
         AND reason = 'randomised' AND NOT ${FAILED} AND ${AROUND} AND ${BEFORE}
       ORDER BY arrived_at, event_id LIMIT {first:UInt32}`,
      known,
    );
    return latencyBuckets(
      own.map((r) => r.latency_us),
      own.at(-1)?.second ?? 0,
    );
  }
}
