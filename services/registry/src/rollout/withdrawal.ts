import { compareRevisions } from '@slipway/core';
import { type Instance } from '@slipway/contracts';
import { type Rollout } from '@slipway/release';

/**
 * Progress of a candidate's withdrawal: which routers have applied the route that ends its traffic. Routers that were
 * heard of within the lease but are silent now may still serve until their lease ends; then they are listed as
 * unreached.
 */
export function followWithdrawal(
  rollout: Rollout,
  live: readonly Instance[],
  recent: readonly Instance[],
  leaseMs: number,
  now: number,
): { withdrawal: Rollout['withdrawal']; settled: boolean } {
  const { withdrawal } = rollout;
  if (!withdrawal) return { withdrawal, settled: true };
  const { endpoint } = rollout.spec;
  const applied = live
    .filter((r) => compareRevisions(r.applied[endpoint] ?? { epoch: 0, n: 0 }, withdrawal.route) >= 0)
    .map((r) => r.instance_id)
    .sort();
  const waiting = recent
    .map((r) => r.instance_id)
    .filter((id) => !applied.includes(id))
    .sort();
  const leaseOver = now - withdrawal.since > leaseMs;
  const complete = waiting.length === 0 && applied.length > 0;
  return {
    withdrawal: { ...withdrawal, applied, unreached: complete ? [] : waiting, complete },
    settled: complete || leaseOver,
  };
}
