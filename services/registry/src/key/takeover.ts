import type { AccessKey } from '@slipway/contracts';

export type OwnKey = { id: string; sha256: string; revoked_at: number | null };

export type Takeover = {
  /** Keys on the topic that the registry lacks; each is revoked. */
  add: AccessKey[];
  /** Keys of the registry that are revoked on the topic: the time of revocation by id. */
  revoke: Map<string, number>;
  /** Ids whose state is to be published, in this order. */
  publish: string[];
};

/**
 * The topic's keys are those of another deployment: it has valid ones, and the registry has none of them, neither by
 * its id nor by its digest. A registry that was started with an empty database and the wrong brokers must not revoke
 * them. After a restore at least the bootstrap keys are the same. Pure.
 */
export function areForeign(onTopic: readonly AccessKey[], own: readonly OwnKey[]): boolean {
  const known = new Set(own.flatMap((k) => [k.id, k.sha256]));
  return onTopic.some((k) => k.revoked_at === null) && !onTopic.some((k) => known.has(k.id) || known.has(k.sha256));
}

/**
 * What a registry has to learn from `access.v1`: after a restore its table may lack keys that were made, and
 * revocations that were given, after the backup. Nobody could revoke a key that the table does not have, and its owner
 * still has it, so it comes back as revoked. A key that the table has under another id (a bootstrap key, admitted
 * again) is the same key: the id that only the topic has is deleted there, and its revocation, if any, is kept. Pure.
 */
export function takeover(onTopic: readonly AccessKey[], own: readonly OwnKey[], now: number): Takeover {
  const byId = new Map(own.map((k) => [k.id, k]));
  const byDigest = new Map(own.map((k) => [k.sha256, k]));
  const found: Takeover = { add: [], revoke: new Map(), publish: [] };
  for (const key of onTopic) {
    const mine = byId.get(key.id) ?? byDigest.get(key.sha256);
    if (!mine) {
      const added = { ...key, revoked_at: key.revoked_at ?? now };
      found.add.push(added);
      byDigest.set(key.sha256, added);
    } else if (key.revoked_at !== null && mine.revoked_at === null && !found.revoke.has(mine.id)) {
      found.revoke.set(mine.id, key.revoked_at);
    }
  }
  const leftover = onTopic.filter((key) => !byId.has(key.id));
  found.publish = [...found.revoke.keys(), ...leftover.map((key) => key.id)];
  return found;
}
