import type { Route } from '@slipway/contracts';
import type { VersionRef } from '@slipway/core';
import type { Assignment } from '../assign.ts';

/** The routes as they are now, and whether Kafka was heard of within a route's lease. */
export interface PresentRoutes {
  get(endpoint: string): Route | undefined;
  leaseHolds(route: Route): boolean;
}

/**
 * Why a candidate that a request was assigned to may not answer it now; undefined when it may. `withdrawn`: its rollout
 * is over (for a forced request: the branch has the version no more) and it did not become what the branch serves.
 * `lease_expired`: Kafka was not heard of for so long that nobody here knows.
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
