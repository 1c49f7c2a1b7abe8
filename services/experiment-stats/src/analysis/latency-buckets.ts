/**
 * Bucket edges at p50, p90 and p99 (microseconds) and the share of requests in each of the four buckets; `edges` is
 * `null` while there is too little to cut. Where the control had too few answers before the start, its first ones of the
 * rollout are taken, and nothing up to their last second (`until`) is evidence then.
 */
export type Baseline = Cut | { edges: null; answers: number };
export type Cut = { edges: [number, number, number]; masses: number[]; answers: number; until: number };

/** Fewer answers of the control do not place a p99. */
export const MIN_BASELINE = 500;

/**
 * Cuts the control's latencies at their own quantiles. The shares are counted, so ties do no harm; a bucket that is
 * empty makes the edges `null`.
 *
 * @param until the last second of answers of the rollout itself; 0 when all were before it
 */
export function latencyBuckets(latencies: readonly number[], until = 0): Baseline {
  const none: Baseline = { edges: null, answers: latencies.length };
  if (latencies.length < MIN_BASELINE) return none;
  const sorted = [...latencies].sort((a, b) => a - b);
  const edges = [0.5, 0.9, 0.99].map((q) => sorted[Math.ceil(q * sorted.length) - 1] as number) as [
    number,
    number,
    number,
  ];
  const counts = [0, 0, 0, 0];
  for (const l of sorted) {
    const bucket = edges.findIndex((edge) => l <= edge);
    const b = bucket < 0 ? 3 : bucket;
    counts[b] = (counts[b] as number) + 1;
  }
  if (counts.some((c) => c === 0)) return none;
  return { edges, masses: counts.map((c) => c / sorted.length), answers: sorted.length, until };
}
