import { shareBounds } from '../guardrails/exposure.ts';
import { kindOf } from '../guardrails/kinds.ts';
import type { JudgeInput } from './input.ts';

/**
 * With an exposure fault: each guardrail's evidence at the least favourable shares; half of α pays for their bounds,
 * half for the evidence. A kind of which no share is the worst is worth 1 then, as is evidence that was carried on and
 * can't be counted again.
 */
export function leastFavourable(
  input: JudgeInput,
  stake: readonly number[],
): { e: number; threshold: number; parts: number[] } {
  const threshold = 2 / input.alpha;
  if ('valueAt' in input.exposures) return { e: 1, threshold, parts: stake.map(() => 1) };
  const bounds = shareBounds(input.exposures, input.alpha / 2);
  const parts = input.guardrails.map((g) => kindOf(g).leastFavourable(g, input, bounds));
  return { e: parts.reduce((sum, x, i) => sum + x * (stake[i] as number), 0), threshold, parts };
}
