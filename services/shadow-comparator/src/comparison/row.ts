import { type CompareRule, type ComparisonRow, type ShadowPair, traceIdOf } from '@slipway/contracts';
import { compareAnswers } from './compare.ts';

/**
 * Failures of the candidate itself: the primary answered where it could not. Others say nothing about the candidate.
 */
const OWN_FAILURES = new Set(['candidate_error']);

/** One line of `comparisons.v1`. Pure. */
export function comparisonRow(
  pair: ShadowPair,
  rule: CompareRule,
  context: { source: string; now: number; traceparent: string | undefined },
): ComparisonRow {
  const { control, candidate, noise, type: _, ...rest } = pair;
  const compared =
    pair.result === 'paired'
      ? compareAnswers(control, candidate, rule)
      : { agree: !OWN_FAILURES.has(pair.reason), differences: [], maxDifference: 0 };
  const hasNoise = pair.result === 'paired' && noise !== null && noise !== undefined;
  return {
    ...rest,
    type: 'slipway.comparison.v1',
    source: context.source,
    time: context.now,
    trace_id: traceIdOf(context.traceparent),
    agree: compared.agree,
    noise: hasNoise,
    noise_agree: hasNoise ? compareAnswers(control, noise, rule).agree : true,
    differences: compared.differences,
    max_difference: compared.maxDifference,
  };
}

/** Joins rows into records of less than `maxBytes`. */
export function batchedRows(rows: readonly ComparisonRow[], maxBytes: number): string[] {
  const records: string[] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const line = JSON.stringify(row);
    const bytes = Buffer.byteLength(line) + 1;
    if (size + bytes > maxBytes) {
      records.push(line);
      size = bytes;
    } else {
      records[records.length - 1] += `\n${line}`;
      size += bytes;
    }
  }
  return records;
}
