import { describe, expect, it } from 'vitest';
import { checkGuardrail, checkJudgeable, guardrailSchema } from './guardrail.ts';
import { builtInMetrics, metricSchema } from './metric.ts';

const metric = (kind: string, source: object) =>
  metricSchema.parse({
    name: 'm',
    kind,
    source,
    ...('outcome' in source ? { per: 'exposed' } : {}),
    direction: 'lower',
    margin: 1.2,
  });

describe('a metric that cannot be judged is refused when it is declared, not when it is used', () => {
  it.each([
    ['quantile', { outcome: 'revenue' }],
    ['proportion', { field: 'latency_us' }],
    ['quantile', { field: 'error' }],
  ])('a %s of %j', (kind, source) => {
    expect(() => checkJudgeable(metric(kind, source))).toThrow(`kind: "${kind}" of`);
  });
  it.each(['mean', 'ratio', 'sum'])('a %s, which is no kind that there is', (kind) => {
    expect(() => metric(kind, { outcome: 'revenue' })).toThrow('"kind"');
  });
  it.each([
    ['proportion', { outcome: 'label', compare: { differs_from: 'class' } }],
    ['proportion', { field: 'error' }],
    ['quantile', { field: 'latency_us' }],
  ])('but a %s of %j is accepted, and can be a guardrail', (kind, source) => {
    const declared = metric(kind, source);
    checkJudgeable(declared);
    expect(checkGuardrail({ metric: 'm' }, declared, 0)).toBe(declared);
  });
  it('accepts the built-in metrics', () => {
    for (const m of builtInMetrics) checkJudgeable(m);
  });
});

describe('a guardrail is refused options that its kind of metric does not have', () => {
  const refusal = (kind: string, source: object, guardrail: object) => () =>
    checkGuardrail(guardrailSchema.parse({ metric: 'm', ...guardrail }), metric(kind, source), 3);
  const [latency, failed] = [{ field: 'latency_us' }, { field: 'error' }];
  it.each<[string, object, object, RegExp]>([
    ['quantile', latency, { role: 'watch' }, /^guardrails.3.role: "m" is a quantile; only a "proportion".* watched/],
    ['quantile', latency, { proof: true }, /^guardrails.3.proof: "m" is a quantile; only a "proportion".* proved/],
    ['quantile', latency, { harm: { absolute: 0.1 } }, /^guardrails.3.harm.absolute: .* its harm is named as ratio$/],
    ['proportion', failed, { sla: { p99: '1s' } }, /^guardrails.3.sla: "m" is a proportion; only a quantile has it$/],
  ])('a %s of %j: %j', (kind, source, guardrail, message) => {
    expect(refusal(kind, source, guardrail)).toThrow(message);
  });
  it('but not options that it has', () => {
    refusal('quantile', latency, { sla: { p99: '1s' }, harm: { ratio: 1.1 } })();
    refusal('proportion', failed, { role: 'watch' })();
    refusal('proportion', failed, { proof: true, harm: { ratio: 2, absolute: 0.1 } })();
  });
});
