/**
 * Bucket edges at p50, p90 and p99 (microseconds) and the share of requests in each bucket; `edges` is `null` while
 * there are too few answers. When control had too few answers before the start, its first ones of the rollout are used,
 * and nothing up to their last second (`until`) is evidence.
 */
export type Baseline = Cut | { edges: null; answers: number };
export type Cut = {
  /** One to three, rising: equal quantiles (ties) are one edge. */
  edges: number[];
  /** One more than there are edges, each above 0; their sum is 1. */
  masses: number[];
  /** p50, p90 and p99. */
  quantiles: [number, number, number];
  answers: number;
  until: number;
};

/** With fewer answers of control the p99 is not reliable. */
export const MIN_BASELINE = 500;

/**
 * Cuts the control's latencies at their own quantiles. The shares are counted, so ties do no harm: buckets between
 * equal quantiles are merged. Above the last edge there may be none, where many answers are as slow as the slowest:
 * half an answer is put there, since what is slower than all of the control's must be able to speak. The test is valid
 * under any shares; they only say which bucket speaks how loudly.
 *
 * @param until the last second of answers of the rollout itself; 0 when all were before it
 */
export function latencyBuckets(latencies: readonly number[], until = 0): Baseline {
  if (latencies.length < MIN_BASELINE) return { edges: null, answers: latencies.length };
  const sorted = [...latencies].sort((a, b) => a - b);
  const quantiles = [0.5, 0.9, 0.99].map((q) => sorted[Math.ceil(q * sorted.length) - 1] as number) as Cut['quantiles'];
  const edges = [...new Set(quantiles)];
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const l of sorted) {
    const bucket = edges.findIndex((edge) => l <= edge);
    const b = bucket < 0 ? edges.length : bucket;
    counts[b] = (counts[b] as number) + 1;
  }
  if (counts.at(-1) === 0) counts[edges.length] = 0.5;
  const all = counts.reduce((a, b) => a + b, 0);
  return { edges, masses: counts.map((c) => c / all), quantiles, answers: sorted.length, until };
}
