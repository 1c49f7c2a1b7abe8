import { type Route, topics } from '@slipway/contracts';
import {
  Asker,
  counter,
  DeadLetters,
  type Feature,
  type Following,
  KafkaBatchServer,
  type RecordProducer,
  type ServiceContext,
  StateReplica,
  type StateReplicaParts,
  TargetClient,
} from '@slipway/platform';
import { Ejections, targetKey, targetsOf } from '@slipway/routing';
import type { ModelSet } from '../model/model-set.client.ts';
import { LegClient } from './leg.client.ts';
import { type LaneParts, ShadowLane } from './shadow-lane.consumer.ts';

/** Targets that no route names any more are forgotten so often. */
const FORGET_MS = 1000;

/** The routes by endpoint, as the topic has them. */
export function knownRoutes(reading: StateReplicaParts): { routes: Map<string, Route>; replica: Following } {
  const routes = new Map<string, Route>();
  const replica = new StateReplica({
    ...reading,
    topic: topics.routes,
    onState: (endpoint, route) => {
      if (route) routes.set(endpoint, route);
      else routes.delete(endpoint);
    },
  });
  return { routes, replica };
}

/** The shadow lane: one group over all workers, so that each sampled request runs once. */
export function shadowLane(
  parts: {
    kafka: StateReplicaParts['kafka'];
    producer: RecordProducer;
    models: ModelSet;
    routes: ReadonlyMap<string, Route>;
  },
  config: { INSTANCE_ID: string; SHADOW_CONCURRENCY: number; WORKER_KEY?: string | undefined },
  { log, onClose }: ServiceContext,
): Feature {
  const { kafka, producer, models, routes } = parts;
  // What the lane asks of others, it asks as a router does.
  const ejections = new Ejections(() => performance.now());
  const client = new TargetClient({ connections: config.SHADOW_CONCURRENCY, waiting: config.SHADOW_CONCURRENCY });
  onClose('targets', () => client.close());
  const ejectionsTotal = counter(
    'slipway_shadow_ejections_total',
    'Targets that the shadow lane ejected: they failed, and others are asked first',
    ['endpoint'],
  );
  const asker = new Asker({ ejections, client, log, onEjected: (endpoint) => ejectionsTotal.inc({ endpoint }) });
  const forgetting = setInterval(() => {
    const targets = [...routes.values()].flatMap(targetsOf);
    const named = new Set(targets.flatMap((t) => t.addresses.map((a) => targetKey(t, a))));
    ejections.retain(named);
    client.retain(named);
  }, FORGET_MS);
  onClose('forgetting', () => clearInterval(forgetting));
  const lane: LaneParts = {
    legs: new LegClient({ models, routes, asker, ejections, workerKey: config.WORKER_KEY }),
    routes,
    producer,
    source: config.INSTANCE_ID,
    concurrency: config.SHADOW_CONCURRENCY,
    // Deadlines count from a record's arrival at Kafka, so they are told by Kafka's clock.
    now: () => producer.brokerNow(),
  };
  const deadLetters = new DeadLetters(producer, 'shadow-lane');
  return {
    controllers: [ShadowLane],
    providers: [{ provide: ShadowLane.PARTS, useValue: lane }],
    transports: [new KafkaBatchServer({ kafka, groupId: 'slipway.shadow-lane', deadLetters, log })],
  };
}
