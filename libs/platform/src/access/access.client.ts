import { type AccessKey, type Needed, topics } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import type { DeadLetters } from '../kafka/dead-letters.client.ts';
import type { KafkaClient } from '../kafka/kafka.client.ts';
import { StateReplica } from '../kafka/state-replica.consumer.ts';
import type { Logger } from '../process/log.ts';
import { Access, admitted, bearerKey, type KeyOwner } from './access.ts';
import { digestOf, KeyRing } from './key-ring.ts';

export type AccessReplicaOptions = {
  kafka: KafkaClient;
  instanceId: string;
  log: Logger;
  deadLetters: DeadLetters;
  /** The keys that were known before, from a snapshot: they count until the topic has been read. */
  beganWith?: readonly AccessKey[];
  /** Called after every change, with all keys. */
  onChange?: (keys: AccessKey[]) => void;
};

/** The API keys as `access.v1` has them, for services that have no database of keys: digests, roles, revocations. */
export class AccessReplica extends Access {
  readonly keys = new KeyRing();
  private readonly replica: StateReplica<typeof topics.access.schema>;

  constructor({ instanceId, beganWith = [], onChange, ...parts }: AccessReplicaOptions) {
    super();
    for (const key of beganWith) this.keys.apply(key.id, key);
    this.replica = new StateReplica({
      ...parts,
      topic: topics.access,
      groupId: instanceId,
      beganWith: beganWith.map((k) => k.id),
      onState: (id, key) => {
        if (this.keys.apply(id, key)) onChange?.(this.keys.all());
      },
    });
  }

  /** The topic was read, or there is a snapshot to go by. */
  get isReady(): boolean {
    return this.replica.isReady || this.keys.all().length > 0;
  }
  start(): void {
    this.replica.start();
  }
  close(): Promise<void> {
    return this.replica.close();
  }

  override require(authorization: string | undefined, needed: Needed): KeyOwner {
    const owner = this.keys.owner(digestOf(bearerKey(authorization)));
    if (!owner && !this.isReady)
      throw new ProblemError('unavailable', 'the API keys are not known here yet; try again');
    return admitted(owner, needed);
  }
}
