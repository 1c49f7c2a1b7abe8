import type { Target } from '@slipway/contracts';

/** The header with the credential for inference-workers. It is sent to workers only. */
export function workerHeaders(
  target: Pick<Target, 'workers'> | undefined,
  key: string | undefined,
): { authorization?: string } {
  return key !== undefined && target?.workers ? { authorization: `Bearer ${key}` } : {};
}
