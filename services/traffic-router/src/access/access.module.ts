import { accessKeySchema } from '@slipway/contracts';
import {
  type AccessPolicy,
  AccessReplica,
  CallerAccess,
  defaultAccess,
  type Feature,
  type ServiceContext,
  type StateReplicaParts,
} from '@slipway/platform';
import { Snapshot } from '../snapshot/snapshot.store.ts';

/** Who may call this router; the keys are kept on disk too, for a start while Kafka is away. */
export function callerAccess(
  { groupId, ...reading }: StateReplicaParts,
  config: { DATA_DIR: string; HOST: string; ROUTER_ACCESS?: AccessPolicy | undefined },
  { log, onClose }: ServiceContext,
): { access: CallerAccess; feature: Feature } {
  const snapshot = new Snapshot(config.DATA_DIR, 'access', accessKeySchema, log);
  const keys = new AccessReplica({
    ...reading,
    instanceId: groupId,
    beganWith: snapshot.load(),
    onChange: (all) => snapshot.saveSoon(() => all),
  });
  onClose('keys', async () => {
    await keys.close();
    snapshot.flush();
  });
  return {
    access: new CallerAccess(config.ROUTER_ACCESS ?? defaultAccess(config.HOST), keys.keys, () => keys.isReady),
    feature: { readiness: [{ name: 'keys', ready: () => keys.isReady }], started: () => keys.start() },
  };
}
