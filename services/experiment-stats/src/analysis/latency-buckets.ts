/**
 * Bucket edges at p50, p90 and p99 (microseconds) and the share of requests in each of the four buckets; `null` when
 * there is too little to cut.
 */
export type Baseline = { edges: [number, number, number]; masses: number[] } | null;

/** Fewer answers of the control do not place a p99. */
export const MIN_BASELINE = 500;

/**
 * Cuts the control's latencies at their own quantiles. The shares are counted, so ties do no harm; a bucket that is
 * empty makes it `null`.
 */
export function latencyBuckets(latencies: readonly number[]): Baseline {
  if (latencies.length < MIN_BASELINE) return null;
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
  if (counts.some((c) => c === 0)) return null;
  return { edges, masses: counts.map((c) => c / sorted.length) };
}
