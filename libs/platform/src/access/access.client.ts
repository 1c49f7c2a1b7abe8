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
  /** Keys from a snapshot, used until the topic has been read. */
  beganWith?: readonly AccessKey[];
  /** Called after every change with all keys. */
  onChange?: (keys: AccessKey[]) => void;
};

/** The API keys of `access.v1` (digests, roles, revocations), for services without a database of keys. */
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

  /** Whether the keys are known: the topic has been read, or there is a snapshot. */
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
    if (!owner && !this.isReady) throw new ProblemError('unavailable', 'the API keys are not known yet; try again');
    return admitted(owner, needed);
  }
}
