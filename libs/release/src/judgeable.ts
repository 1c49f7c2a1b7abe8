import { type Metric } from './metric.ts';
import { ProblemError } from '@slipway/core';

/** Whether analysers can judge the metric: as a proportion of events, or latency as a distribution. */
export function isJudgeable({ kind, source }: Pick<Metric, 'kind' | 'source'>): boolean {
  return 'field' in source && source.field === 'latency_us' ? kind === 'quantile' : kind === 'proportion';
}

/** @throws ProblemError not_supported, where nothing could be done with the metric once it is declared */
export function checkJudgeable(metric: Metric): void {
  if (isJudgeable(metric)) return;
  const of = 'field' in metric.source ? `the field ${metric.source.field}` : 'an outcome';
  const message =
    `"${metric.kind}" of ${of} cannot be judged yet: it takes a proportion of "error" or of an outcome, ` +
    'or a quantile of "latency_us"';
  throw new ProblemError('not_supported', `kind: ${message}`, { errors: [{ field: 'kind', message }] });
}
