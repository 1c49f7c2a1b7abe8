import type { Headers } from '@slipway/protocol';

/** The longest that is taken: an hour in microseconds. */
const MOST = 3_600_000_000;

/**
 * What a worker says of its answer in the header `x-slipway-<name>`. Whoever answered may have written these: what is
 * no plausible figure is 0.
 */
export function timingOf(headers: Headers, name: 'queue-us' | 'compute-us' | 'batch-size'): number {
  const n = Number(headers[`x-slipway-${name}`] ?? 0);
  return Number.isInteger(n) && n >= 0 && n <= MOST ? n : 0;
}
