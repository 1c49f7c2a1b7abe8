import { createHash } from 'node:crypto';
import { mayActAs, type Role, topics } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import type { DeadLetters } from '../kafka/dead-letters.client.ts';
import type { Kafka } from '../kafka/kafka.client.ts';
import { StateReplica } from '../kafka/state-replica.consumer.ts';
import type { Logger } from '../process/log.ts';

export type KeyOwner = { id: string; name: string; role: Role };

/** The API keys as `access.v1` has them, for services that have no database of keys: digests, roles, revocations. */
export class AccessReplica {
  private readonly replica: StateReplica<typeof topics.access.schema>;
  private readonly digests = new Map<string, string>();
  private readonly owners = new Map<string, KeyOwner>();

  constructor(parts: { kafka: Kafka; instanceId: string; log: Logger; deadLetters: DeadLetters }) {
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

  /**
   * Who sends this `Authorization` header, if it may act as `needed`.
   * @throws ProblemError unauthenticated, forbidden, or unavailable while the keys are not known yet
   */
  require(authorization: string | undefined, needed: Role): KeyOwner {
    const key = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    if (!key) throw new ProblemError('unauthenticated', 'send an API key: Authorization: Bearer <key>');
    const owner = this.owners.get(createHash('sha256').update(key).digest('hex'));
    if (!owner) {
      if (!this.isReady) throw new ProblemError('unavailable', 'the API keys are not known here yet; try again');
      throw new ProblemError('unauthenticated', 'the API key is not known, or was revoked');
    }
    if (!mayActAs(owner.role, needed))
      throw new ProblemError(
        'forbidden',
        `this needs the role ${needed}; the key "${owner.name}" has the role ${owner.role}`,
      );
    return owner;
  }
}
