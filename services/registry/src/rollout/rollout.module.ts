import {
  type DeadLetters,
  type Feature,
  type KafkaClient,
  KafkaBatchServer,
  provided,
  type ServiceContext,
} from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import type { LiveInstances } from '../instance/live-instances.ts';
import type { RouteStore } from '../route/route.store.ts';
import { ConductorLoop } from './conductor.loop.ts';
import { Conductor } from './conductor.store.ts';
import { EvidenceConsumer } from './evidence.consumer.ts';
import { EvidenceStore } from './evidence.store.ts';
import { RolloutController } from './rollout.controller.ts';
import { RolloutEvents } from './rollout-events.loop.ts';
import { RolloutStore } from './rollout.store.ts';

const PREPARE_MS = 300_000;

/** Rollouts: their REST API, their evidence, and the conductor, which decides by it. */
export function rolloutFeature(
  parts: {
    database: Database;
    routes: RouteStore;
    instances: LiveInstances;
    /** Whether this registry knows which instances are alive. */
    known: () => boolean;
    kafka: KafkaClient;
    deadLetters: DeadLetters;
  },
  config: { ALPHA: number; LEASE_MS: number; SILENCE_MS: number },
  { log, onClose }: ServiceContext,
): { rollouts: RolloutStore; conductor: ConductorLoop; feature: Feature } {
  const { database, routes, instances, known, kafka, deadLetters } = parts;
  const rollouts = new RolloutStore(database, routes, config.ALPHA);
  const conductor = new Conductor({
    database,
    rollouts,
    routes,
    instances,
    log,
    known,
    leaseMs: config.LEASE_MS,
    policy: { silenceMs: config.SILENCE_MS, prepareMs: PREPARE_MS },
  });
  const evidence = new EvidenceStore(database);
  const loop = new ConductorLoop({ conductor, evidence, instances, known, log });
  rollouts.changed = (id) => loop.wake(id);
  onClose('conductor', () => loop.close());
  const kafkaServer = new KafkaBatchServer({ kafka, groupId: 'slipway.registry', deadLetters, log });
  kafkaServer.on('joined', () => evidence.forget());
  return {
    rollouts,
    conductor: loop,
    feature: {
      controllers: [RolloutController, EvidenceConsumer],
      providers: [
        provided(RolloutStore, rollouts),
        provided(ConductorLoop, loop),
        provided(EvidenceStore, evidence),
        provided(RolloutEvents, new RolloutEvents(database)),
      ],
      transports: [kafkaServer],
    },
  };
}
