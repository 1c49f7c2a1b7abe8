import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import { errors, input } from './look.fixture.ts';

describe('a limit that was declared', () => {
  const slow = (p50: number, answers = 300) => ({
    kind: 'latency' as const,
    metric: 'latency',
    margin: 1.2,
    masses: [0.5, 0.4, 0.09, 0.01],
    cells: [],
    sla: [],
    quantiles: {
      control: { answers: 900, p50: 2490, p90: 4000, p99: 9000 },
      candidate: { answers, p50, p90: 5000, p99: 9500 },
    },
  });
  it('is not promoted over while the figures break it, and the sentence gives both in milliseconds', () => {
    const { verdict, reasons, sentence } = judge(input({ guardrails: [errors([0, 900], [0, 300]), slow(3680)] }));
    expect([verdict, reasons]).toEqual(['hold', ['limit_broken:latency']]);
    expect(sentence).toContain(
      'latency p50 3.68 ms against 2.49 ms, p90 5.00 ms against 4.00 ms, p99 9.50 ms against 9.00 ms (allowed at most ×1.2: point estimate breaks it)',
    );
  });
  it('holds nothing up while the figures keep it, or are too few to be told', () => {
    expect(judge(input({ guardrails: [errors([0, 900], [0, 300]), slow(2900)] })).verdict).toBe('advance');
    expect(judge(input({ guardrails: [errors([0, 900], [0, 300]), slow(3680, 40)] })).verdict).toBe('advance');
  });
  it('is not proven kept because a greater harm is excluded', () => {
    const excluded = {
      ...errors([100, 50_000], [200, 50_000], [{ second: 1, weight: 0.5, control: 100, candidate: 100 }]),
      harm: { ratio: 4 },
    };
    const { verdict, reasons, numbers } = judge(
      input({ guardrails: [excluded] }, { weight: 0.5, lastComparison: true }),
    );
    expect(numbers.guardrails[0]).toMatchObject({ harm: { excluded: true }, limit: 'point estimate breaks it' });
    expect([verdict, reasons]).toEqual(['hold', ['limit_broken:error_rate']]);
  });
  it('of events is treated alike', () => {
    const broken = { ...errors([30, 9000], [20, 3000]), cells: [] };
    expect(judge(input({ guardrails: [broken] }))).toMatchObject({
      verdict: 'hold',
      reasons: ['limit_broken:error_rate'],
    });
  });
});
