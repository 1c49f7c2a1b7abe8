import { createHash } from 'node:crypto';
import { type Needed, topics } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import type { DeadLetters } from '../kafka/dead-letters.client.ts';
import type { Kafka } from '../kafka/kafka.client.ts';
import { StateReplica } from '../kafka/state-replica.consumer.ts';
import type { Logger } from '../process/log.ts';
import { Access, admitted, bearerKey, type KeyOwner } from './access.ts';

/** The API keys as `access.v1` has them, for services that have no database of keys: digests, roles, revocations. */
export class AccessReplica extends Access {
  private readonly replica: StateReplica<typeof topics.access.schema>;
  private readonly digests = new Map<string, string>();
  private readonly owners = new Map<string, KeyOwner>();

  constructor(parts: { kafka: Kafka; instanceId: string; log: Logger; deadLetters: DeadLetters }) {
    super();
    this.replica = new StateReplica({
      kafka: parts.kafka,
      topic: topics.access,
      groupId: parts.instanceId,
      log: parts.log,
      deadLetters: parts.deadLetters,
      onState: (id, key) => {
        const before = this.digests.get(id);
        if (before) this.owners.delete(before);
        this.digests.delete(id);
        if (!key || key.revoked_at !== null) return;
        this.digests.set(id, key.sha256);
        this.owners.set(key.sha256, { id: key.id, name: key.name, role: key.role });
      },
    });
  }

  get isReady(): boolean {
    return this.replica.isReady;
  }
  start(): void {
    this.replica.start();
  }
  close(): Promise<void> {
    return this.replica.close();
  }

  override require(authorization: string | undefined, needed: Needed): KeyOwner {
    const owner = this.owners.get(createHash('sha256').update(bearerKey(authorization)).digest('hex'));
    if (!owner && !this.isReady)
      throw new ProblemError('unavailable', 'the API keys are not known here yet; try again');
    return admitted(owner, needed);
  }
}
