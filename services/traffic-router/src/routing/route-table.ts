import { compareRevisions, ProblemError, type Revision } from '@slipway/core';
import { type Route } from '@slipway/contracts';
import { trafficOf } from '@slipway/routing';

/** The routes that this router applies: for each endpoint the highest revision it has seen. */
export class RouteTable {
  private readonly routes = new Map<string, Route>();
  /** When Kafka was last heard of, on the monotonic clock. */
  lastContact: () => number = () => Number.NEGATIVE_INFINITY;
  private readonly clock: () => number;

  /** @param clock monotonic milliseconds */
  constructor(clock: () => number) {
    this.clock = clock;
  }

  get(endpoint: string): Route | undefined {
    return this.routes.get(endpoint);
  }

  /** @throws ProblemError unknown_endpoint */
  require(endpoint: string): Route {
    const route = this.routes.get(endpoint);
    if (!route) throw new ProblemError('unknown_endpoint', `there is no endpoint "${endpoint}"`);
    return route;
  }

  all(): Route[] {
    return [...this.routes.values()];
  }

  /** @returns whether anything changed: an older or equal revision is ignored */
  apply(endpoint: string, route: Route | undefined): boolean {
    const present = this.routes.get(endpoint);
    if (route === undefined) return this.routes.delete(endpoint);
    if (present && compareRevisions(route.revision, present.revision) <= 0) return false;
    this.routes.set(endpoint, route);
    return true;
  }

  applied(): Record<string, Revision> {
    return Object.fromEntries(this.all().map((r) => [r.endpoint, r.revision]));
  }

  /** A candidate gets traffic only while Kafka was heard of within the route's lease. */
  leaseHolds(route: Route): boolean {
    return this.clock() - this.lastContact() <= route.lease_ms;
  }

  /** Whether a candidate of the route gets no traffic because there is no contact with Kafka. */
  lacksLease(route: Route): boolean {
    return route.branches.some(trafficOf) && !this.leaseHolds(route);
  }
}
