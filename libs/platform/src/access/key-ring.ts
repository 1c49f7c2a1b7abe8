import { createHash } from 'node:crypto';
import type { AccessKey } from '@slipway/contracts';
import { compareRevisions } from '@slipway/core';
import type { KeyOwner } from './access.ts';

/** SHA-256 of an API key, lower-case hex. */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * The API keys as `access.v1` has them: of each the highest revision that was seen, so that a key that was revoked
 * stays so whatever arrives later. A digest that was revoked under one id is valid under no other: after a restore of
 * the registry's database the same key may stand on the topic under two ids.
 */
export class KeyRing {
  private readonly keys = new Map<string, AccessKey>();
  /** The ids of each digest. */
  private readonly ids = new Map<string, Set<string>>();
  /** Owners of the valid keys, by digest. */
  private readonly owners = new Map<string, KeyOwner>();

  /**
   * @param id the key's id
   * @param key undefined when it was deleted
   * @returns whether anything changed
   */
  apply(id: string, key: AccessKey | undefined): boolean {
    const before = this.keys.get(id);
    if (!before && !key) return false;
    if (before && key && compareRevisions(key.revision, before.revision) <= 0) return false;
    this.keys.delete(id);
    if (before) {
      this.ids.get(before.sha256)?.delete(id);
      this.settle(before.sha256);
    }
    if (!key) return true;
    this.keys.set(id, key);
    const ids = this.ids.get(key.sha256);
    if (ids) ids.add(id);
    else this.ids.set(key.sha256, new Set([id]));
    this.settle(key.sha256);
    return true;
  }

  private settle(digest: string): void {
    const keys = [...(this.ids.get(digest) ?? [])].flatMap((id) => this.keys.get(id) ?? []);
    const [key] = keys;
    if (!key) this.ids.delete(digest);
    if (!key || keys.some((k) => k.revoked_at !== null)) this.owners.delete(digest);
    else this.owners.set(digest, { id: key.id, name: key.name, role: key.role });
  }

  /** @param digest of a key */
  owner(digest: string): KeyOwner | undefined {
    return this.owners.get(digest);
  }

  /** All known keys, revoked ones included. */
  all(): AccessKey[] {
    return [...this.keys.values()];
  }
}
