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
 * stays so whatever arrives later.
 */
export class KeyRing {
  private readonly keys = new Map<string, AccessKey>();
  /** Of the valid ones, by digest. */
  private readonly owners = new Map<string, KeyOwner>();

  /**
   * @param id the key's id
   * @param key undefined when it was deleted
   * @returns whether anything changed
   */
  apply(id: string, key: AccessKey | undefined): boolean {
    const before = this.keys.get(id);
    if (before && key && compareRevisions(key.revision, before.revision) <= 0) return false;
    if (before) this.owners.delete(before.sha256);
    if (!key) return this.keys.delete(id);
    this.keys.set(id, key);
    if (key.revoked_at === null) this.owners.set(key.sha256, { id, name: key.name, role: key.role });
    return true;
  }

  /** @param digest of a key */
  owner(digest: string): KeyOwner | undefined {
    return this.owners.get(digest);
  }

  /** All that are known, revoked ones too. */
  all(): AccessKey[] {
    return [...this.keys.values()];
  }
}
