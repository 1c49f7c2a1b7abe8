import type { Route } from '@slipway/contracts';
import type { VersionRef } from '@slipway/core';
import type { Assignment } from '../assign.ts';

/** The current routes, and whether Kafka was heard of within a route's lease. */
export interface PresentRoutes {
  get(endpoint: string): Route | undefined;
  leaseHolds(route: Route): boolean;
}

/**
 * Why a candidate may not answer a request that was assigned to it; undefined when it may. `withdrawn`: its rollout has
 * ended (for a forced request: the branch no longer has the version) and the version was not promoted. `lease_expired`:
 * Kafka has not been heard of for longer than the lease, so the current state is unknown.
 * @param candidate the version that was assigned
 */
export function barred(
  endpoint: string,
  { branch, reason }: Pick<Assignment, 'branch' | 'reason'>,
  candidate: VersionRef,
  routes: PresentRoutes,
): 'withdrawn' | 'lease_expired' | undefined {
  const isOurs = (ref: VersionRef) => ref.model === candidate.model && ref.version === candidate.version;
  const route = routes.get(endpoint);
  const present = route?.branches.find((b) => b.name === branch.name);
  if (!route || !present) return 'withdrawn';
  if (isOurs(present.target)) return undefined;
  if (!routes.leaseHolds(route)) return 'lease_expired';
  const arm = present.rollout?.arms.find((a) => isOurs(a.target));
  if (!arm) return 'withdrawn';
  const isUnderWay = arm.share > 0 && present.rollout?.id === branch.rollout?.id;
  return reason === 'forced' || isUnderWay ? undefined : 'withdrawn';
}
