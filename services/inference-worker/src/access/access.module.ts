import {
  type AccessPolicy,
  AccessReplica,
  CallerAccess,
  defaultAccess,
  type StateReplicaParts,
} from '@slipway/platform';

/** Who may ask this worker. */
export function callerAccess(
  { groupId, ...reading }: StateReplicaParts,
  config: { HOST: string; WORKER_ACCESS?: AccessPolicy | undefined },
): { access: CallerAccess; keys: AccessReplica } {
  const keys = new AccessReplica({ ...reading, instanceId: groupId });
  const policy = config.WORKER_ACCESS ?? defaultAccess(config.HOST);
  return { access: new CallerAccess(policy, keys.keys, () => keys.isReady), keys };
}
