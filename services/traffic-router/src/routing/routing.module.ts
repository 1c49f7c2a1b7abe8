import { routeSchema, topics } from '@slipway/contracts';
import {
  type Feature,
  measured,
  provided,
  type ServiceContext,
  StateReplica,
  type StateReplicaParts,
} from '@slipway/platform';
import { Snapshot } from '../snapshot/snapshot.store.ts';
import { RouteTable } from './route-table.ts';

/** What happens around a new route. */
export type RouteChange = {
  /** Before it is applied, or found to be an old one. */
  before: () => void;
  after: () => void;
};

/**
 * The routes that this router obeys: from its snapshot, until the topic has been read.
 * @returns `follow` makes the feature that reads the topic; it is closed before all that was made before the call
 */
export function routeTable(
  reading: StateReplicaParts,
  config: { DATA_DIR: string },
  { log, onClose }: ServiceContext,
): { routes: RouteTable; follow: (change: RouteChange) => Feature } {
  const snapshot = new Snapshot(config.DATA_DIR, 'routes', routeSchema, log);
  const routes = new RouteTable(() => performance.now());
  for (const route of snapshot.load()) routes.apply(route.endpoint, route);
  measured(
    'slipway_router_lease_expired',
    '1 while the candidate gets no traffic because Kafka is out of reach',
    ['endpoint'],
    () => routes.all().map((r) => ({ labels: { endpoint: r.endpoint }, value: routes.lacksLease(r) ? 1 : 0 })),
  );
  const follow = ({ before, after }: RouteChange): Feature => {
    const replica = new StateReplica({
      ...reading,
      topic: topics.routes,
      // The lease goes by the last contact: it is renewed this often.
      idleMs: 500,
      beganWith: routes.all().map((r) => r.endpoint),
      onState: (endpoint, route) => {
        before();
        if (!routes.apply(endpoint, route)) return;
        after();
        snapshot.saveSoon(() => routes.all());
      },
    });
    routes.lastContact = () => replica.lastContactMs;
    onClose('routes', async () => {
      await replica.close();
      snapshot.flush();
    });
    return {
      providers: [provided(RouteTable, routes)],
      // With Kafka away a router is ready once it has a snapshot to serve from.
      readiness: [{ name: 'routes', ready: () => replica.isReady || routes.all().length > 0 }],
      started: () => replica.start(),
    };
  };
  return { routes, follow };
}
