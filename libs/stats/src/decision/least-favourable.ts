import { CountEvidence, WORSE_WHEN_FEWER, WORSE_WHEN_MORE } from '../e-process/counts.ts';
import { leastFavourableEvidence, shareBounds } from './exposure.ts';
import type { JudgeInput } from './input.ts';

/**
 * With an exposure fault: each guardrail's evidence at the least favourable shares; half of α pays for their bounds,
 * half for the evidence. Latency is worth 1 then (no share is the worst for all of its buckets), as is evidence that
 * was carried on and can't be counted again.
 */
export function leastFavourable(
  input: JudgeInput,
  stake: readonly number[],
): { e: number; threshold: number; parts: number[] } {
  const threshold = 2 / input.alpha;
  if ('valueAt' in input.exposures) return { e: 1, threshold, parts: stake.map(() => 1) };
  const bounds = shareBounds(input.exposures, input.alpha / 2);
  const parts = input.guardrails.map((g) =>
    g.kind === 'latency' || g.cells instanceof CountEvidence
      ? 1
      : leastFavourableEvidence(
          g.cells,
          g.margin,
          g.direction === 'lower' ? WORSE_WHEN_MORE : WORSE_WHEN_FEWER,
          input,
          bounds,
        ),
  );
  return { e: parts.reduce((sum, x, i) => sum + x * (stake[i] as number), 0), threshold, parts };
}
