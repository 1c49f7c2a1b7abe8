import type { Target } from '@slipway/contracts';
import { formatVersion, parseVersion, type VersionRef } from '@slipway/core';

/** A version at an address: what is ejected, and what has connections of its own. */
export const targetKey = (target: Target, address: string): string => `${formatVersion(target)}@${address}`;

/** Reads what `targetKey` wrote; undefined where it is no key. */
export function parseTargetKey(key: string): { version: VersionRef; address: string } | undefined {
  const at = key.indexOf('@');
  const version = parseVersion(key.slice(0, Math.max(0, at)));
  return version && { version, address: key.slice(at + 1) };
}
