import { type CompareRule } from '@slipway/release';
import { type ComparisonRow, type ShadowPair, traceIdOf } from '@slipway/contracts';
import { compareAnswers } from './compare.ts';

/**
 * Failures of the candidate itself: the control answered where it did not. They count as disagreement. Others (shed,
 * expired before it was tried, no target) are ours and say nothing about the candidate.
 */
const OWN_FAILURES = new Set(['candidate_error', 'candidate_timeout', 'candidate_missing']);

/** Whether a pair that calls itself `paired` can be compared at all; otherwise what it really is. Pure. */
function resultOf(pair: ShadowPair, comparedFields: number): Pick<ComparisonRow, 'result' | 'reason'> {
  if (pair.result !== 'paired') return { result: pair.result, reason: pair.reason };
  const missing = (answer: unknown) => answer === null || answer === undefined;
  if (missing(pair.control)) return { result: 'failed', reason: 'control_missing' };
  if (missing(pair.candidate)) return { result: 'failed', reason: 'candidate_missing' };
  return comparedFields > 0
    ? { result: 'paired', reason: pair.reason }
    : { result: 'failed', reason: 'nothing_compared' };
}

/** One line of `comparisons.v1`. Pure. */
export function comparisonRow(
  pair: ShadowPair,
  rule: CompareRule,
  context: { source: string; now: number; traceparent: string | undefined },
): ComparisonRow {
  const { control, candidate, noise, type: _, ...rest } = pair;
  const compared = compareAnswers(control, candidate, rule);
  const ended = resultOf(pair, compared.fields);
  const paired = ended.result === 'paired';
  const hasNoise = paired && noise !== null && noise !== undefined;
  return {
    ...rest,
    ...ended,
    type: 'slipway.comparison.v1',
    source: context.source,
    time: context.now,
    trace_id: traceIdOf(context.traceparent),
    agree: paired ? compared.agree : !OWN_FAILURES.has(ended.reason),
    noise: hasNoise,
    noise_agree: hasNoise ? compareAnswers(control, noise, rule).agree : true,
    differences: paired ? compared.differences : [],
    max_difference: paired ? compared.maxDifference : 0,
  };
}
