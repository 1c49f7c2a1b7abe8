import type { Route } from '@slipway/contracts';
import type { VersionRef } from '@slipway/core';

/** The routes as they are now, and whether Kafka was heard of within a route's lease. */
export interface PresentRoutes {
  get(endpoint: string): Route | undefined;
  leaseHolds(route: Route): boolean;
}

/**
 * Why the candidate of the route that a request began with may not answer it now; undefined when it may. `withdrawn`:
 * its rollout is over (for a forced request: the endpoint has the version no more) and it did not become what the
 * endpoint serves. `lease_expired`: Kafka was not heard of for so long that nobody here knows.
 */
export function barred(
  route: Route,
  forced: boolean,
  routes: PresentRoutes,
): 'withdrawn' | 'lease_expired' | undefined {
  const present = routes.get(route.endpoint);
  const isOurs = (ref: VersionRef | null) =>
    ref !== null && ref.model === route.candidate?.model && ref.version === route.candidate.version;
  if (!present) return 'withdrawn';
  if (isOurs(present.control)) return undefined;
  if (!routes.leaseHolds(present)) return 'lease_expired';
  if (!isOurs(present.candidate)) return 'withdrawn';
  return forced || present.rollout?.id === route.rollout?.id ? undefined : 'withdrawn';
}
