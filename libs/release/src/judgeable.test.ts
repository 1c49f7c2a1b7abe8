import { builtInMetrics, metricSchema } from './metric.ts';
import { describe, expect, it } from 'vitest';
import { checkGuardrail } from './admission.ts';
import { checkJudgeable } from './judgeable.ts';

const metric = (kind: string, source: object) =>
  metricSchema.parse({
    name: 'm',
    kind,
    source,
    ...('outcome' in source ? { per: 'exposed' } : {}),
    direction: 'lower',
    margin: 1.2,
  });

describe('a metric is refused when it is declared, not when it is used', () => {
  it.each([
    ['mean', { outcome: 'revenue' }],
    ['ratio', { outcome: 'revenue' }],
    ['quantile', { outcome: 'revenue' }],
    ['mean', { field: 'latency_us' }],
    ['ratio', { field: 'latency_us' }],
    ['proportion', { field: 'latency_us' }],
    ['quantile', { field: 'error' }],
    ['mean', { field: 'error' }],
  ])('a %s of %j', (kind, source) => {
    expect(() => checkJudgeable(metric(kind, source))).toThrow(`kind: "${kind}" of`);
  });
  it.each([
    ['proportion', { outcome: 'label', compare: { differs_from: 'class' } }],
    ['proportion', { field: 'error' }],
    ['quantile', { field: 'latency_us' }],
  ])('but a %s of %j is taken, and may guard', (kind, source) => {
    const declared = metric(kind, source);
    checkJudgeable(declared);
    expect(checkGuardrail({ metric: 'm' }, declared, 0)).toBe(declared);
  });
  it('takes what is built in', () => {
    for (const m of builtInMetrics) checkJudgeable(m);
  });
});
