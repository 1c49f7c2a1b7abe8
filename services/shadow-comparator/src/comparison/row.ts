import { type CompareRule } from '@slipway/release';
import { type ComparisonRow, type ShadowPair, traceIdOf } from '@slipway/contracts';
import { compareAnswers } from './compare.ts';

/**
 * Failures of the candidate itself: control answered and the candidate did not. They count as disagreement. Others
 * (shed, expired before it was tried, no target) are faults of Slipway and say nothing about the candidate.
 */
const OWN_FAILURES = new Set(['candidate_error', 'candidate_timeout', 'candidate_missing']);

type Ended = Pick<ComparisonRow, 'result' | 'reason'>;

/** The result of a pair that cannot be compared, whatever it reports itself. */
function unpaired(pair: ShadowPair): Ended | undefined {
  if (pair.result !== 'paired') return { result: pair.result, reason: pair.reason };
  const missing = (answer: unknown) => answer === null || answer === undefined;
  if (missing(pair.control)) return { result: 'failed', reason: 'control_missing' };
  if (missing(pair.candidate)) return { result: 'failed', reason: 'candidate_missing' };
  return undefined;
}

/** One line of `comparisons.v1`. Its price is that of the shadow and of the comparisons. */
export async function comparisonRow(
  pair: ShadowPair,
  rule: CompareRule,
  context: { source: string; now: number; traceparent: string | undefined },
): Promise<ComparisonRow> {
  const { control, candidate, noise, type: _, protocol, ...rest } = pair;
  let ended = unpaired(pair);
  const compared = ended ? undefined : await compareAnswers(control, candidate, rule, protocol);
  if (compared?.fields === 0) ended = { result: 'failed', reason: 'nothing_compared' };
  const isNoise = !ended && noise !== null && noise !== undefined;
  const repeated = isNoise ? await compareAnswers(control, noise, rule, protocol) : undefined;
  return {
    ...rest,
    ...(ended ?? { result: 'paired', reason: pair.reason }),
    type: 'slipway.comparison.v1',
    source: context.source,
    time: context.now,
    trace_id: traceIdOf(context.traceparent),
    agree: ended ? !OWN_FAILURES.has(ended.reason) : (compared?.agree ?? true),
    noise: isNoise,
    noise_agree: repeated?.agree ?? true,
    differences: ended ? [] : (compared?.differences ?? []),
    max_difference: ended ? 0 : (compared?.maxDifference ?? 0),
    price: pair.price + (compared?.price ?? 0) + (repeated?.price ?? 0),
  };
}
