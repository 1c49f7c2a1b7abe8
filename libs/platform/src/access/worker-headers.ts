import type { Target } from '@slipway/contracts';

/** The credential for whoever answers for a version: inference-workers are shown it, and nobody else. */
export function workerHeaders(
  target: Pick<Target, 'workers'> | undefined,
  key: string | undefined,
): { authorization?: string } {
  return key !== undefined && target?.workers ? { authorization: `Bearer ${key}` } : {};
}
