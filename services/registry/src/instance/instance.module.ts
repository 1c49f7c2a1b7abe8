import { topics } from '@slipway/contracts';
import { type Feature, type ServiceContext, StateReplica, type StateReplicaParts } from '@slipway/platform';
import { LiveInstances } from './live-instances.ts';

/** Time without a fetch after which this registry does not know which instances are alive. */
const CONTACT_MS = 2000;

/** The live routers and workers, and whether this registry can know them now. */
export function liveInstances(
  reading: StateReplicaParts,
  { onClose }: ServiceContext,
): { instances: LiveInstances; known: () => boolean; feature: Feature } {
  const instances = new LiveInstances();
  const replica = new StateReplica({
    ...reading,
    topic: topics.instances,
    // Who is alive goes by the last contact: it is renewed this often.
    idleMs: 500,
    onState: (id, instance, arrivedMs) => instances.apply(id, instance, arrivedMs),
  });
  onClose('instances', () => replica.close());
  return {
    instances,
    known: () => replica.isReady && performance.now() - replica.lastContactMs < CONTACT_MS,
    feature: {
      readiness: [{ name: 'instances', ready: () => replica.isReady }],
      started: () => replica.start(),
    },
  };
}
