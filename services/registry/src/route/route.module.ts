import { type Feature, provided, type RecordProducer, type ServiceContext } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import type { LiveInstances } from '../instance/live-instances.ts';
import type { OutboxPublisher } from '../outbox/publisher.loop.ts';
import { Republish } from '../outbox/republish.ts';
import { RouteStore } from './route.store.ts';
import { WorkerWatch } from './worker-watch.loop.ts';

/** The routes that follow from the state of the control plane and from which workers are alive. */
export function routeFeature(
  parts: {
    database: Database;
    producer: RecordProducer;
    publisher: OutboxPublisher;
    instances: LiveInstances;
    /** Whether this registry knows now who is alive. */
    known: () => boolean;
  },
  settings: ConstructorParameters<typeof RouteStore>[2],
  { log, onClose }: ServiceContext,
): { routes: RouteStore; watch: WorkerWatch; feature: Feature } {
  const { database, producer, publisher, instances, known } = parts;
  const routes = new RouteStore(instances, publisher, settings);
  const watch = new WorkerWatch({ database, routes, instances, producer, log, known });
  onClose('worker watch', () => watch.close());
  return { routes, watch, feature: { providers: [provided(RouteStore, routes), provided(Republish, routes)] } };
}
