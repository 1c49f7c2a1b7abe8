import { compareRevisions, type Revision, type Route } from '@slipway/contracts';

/** The routes that this router obeys: of each endpoint the highest revision it has seen. */
export class RouteTable {
  private readonly routes = new Map<string, Route>();
  private keys: { publishedAt: number; digests: ReadonlySet<string> } = { publishedAt: -1, digests: new Set() };
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

  all(): Route[] {
    return [...this.routes.values()];
  }

  /** @returns whether anything changed: an older or equal revision is ignored */
  apply(endpoint: string, route: Route | undefined): boolean {
    const present = this.routes.get(endpoint);
    if (route === undefined) return this.routes.delete(endpoint);
    if (present && compareRevisions(route.revision, present.revision) <= 0) return false;
    this.routes.set(endpoint, route);
    if (route.published_at >= this.keys.publishedAt)
      this.keys = { publishedAt: route.published_at, digests: new Set(route.caller_keys) };
    return true;
  }

  /** Whether an API key with this SHA-256 is valid: every route names them all, the one published last counts. */
  knowsKey(digest: string): boolean {
    return this.keys.digests.has(digest);
  }

  applied(): Record<string, Revision> {
    return Object.fromEntries(this.all().map((r) => [r.endpoint, r.revision]));
  }

  /** A candidate gets traffic only while Kafka was heard of within the route's lease. */
  leaseHolds(route: Route): boolean {
    return this.clock() - this.lastContact() <= route.lease_ms;
  }
}
