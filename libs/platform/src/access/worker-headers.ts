import type { Route } from '@slipway/contracts';
import type { VersionRef } from '@slipway/core';

/** The credential for whoever answers for a version: our workers, which the route tells to load it, and no other. */
export function workerHeaders(
  route: Pick<Route, 'load'> | undefined,
  version: VersionRef,
  key: string | undefined,
): { authorization?: string } {
  const ours = route?.load.some((v) => v.model === version.model && v.version === version.version);
  return key !== undefined && ours ? { authorization: `Bearer ${key}` } : {};
}
