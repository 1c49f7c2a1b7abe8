import type { Headers } from '@slipway/protocol';

/** Largest accepted value: an hour in microseconds. */
const MOST = 3_600_000_000;

/**
 * A worker's timing of its answer, from the header `x-slipway-<name>`, in microseconds. Any server may send this
 * header: an implausible value counts as 0.
 */
export function timingOf(headers: Headers, name: 'queue-us' | 'compute-us' | 'batch-size'): number {
  const n = Number(headers[`x-slipway-${name}`] ?? 0);
  return Number.isInteger(n) && n >= 0 && n <= MOST ? n : 0;
}
