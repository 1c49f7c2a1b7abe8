import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import type { JudgeInput } from './input.ts';
import { errors, input as look } from './look.fixture.ts';

/** A look in the last step before the candidate has everything. */
const input = (change: Partial<JudgeInput> = {}, step: Partial<JudgeInput['step']> = {}) =>
  look(change, { promotes: true, ...step });

describe('a limit that was declared', () => {
  const slow = (p50: number, answers = 300) => ({
    kind: 'quantile' as const,
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
      'latency p50 3.68 ms against 2.49 ms, p90 5.00 ms against 4.00 ms, p99 9.50 ms against 9.00 ms ' +
        '(allowed at most ×1.2: point estimate breaks it; compared: p50; too few answers to compare p90, p99)',
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

  const wide = (p50: number, p90: number, p99: number, answers: number, margin = 1.2) => ({
    kind: 'quantile' as const,
    metric: 'latency',
    margin,
    masses: [0.5, 0.4, 0.09, 0.01],
    cells: [],
    sla: [],
    quantiles: {
      control: { answers: 3 * answers, p50: 2000, p90: 4000, p99: 9000 },
      candidate: { answers, p50, p90, p99 },
    },
  });
  const seen = (latency: ReturnType<typeof wide>) => {
    const { verdict, sentence, numbers } = judge(input({ guardrails: [errors([0, 900], [0, 300]), latency] }));
    const { compared, beyond } = numbers.guardrails[1] ?? {};
    return { verdict, sentence, compared, beyond };
  };
  it('on latency is one on every quantile, each compared once 50 answers of each arm lie beyond it', () => {
    expect(seen(wide(2000, 5000, 90_000, 499))).toMatchObject({ verdict: 'advance', compared: ['p50'], beyond: [] });
    expect(seen(wide(2000, 5000, 90_000, 500))).toMatchObject({
      verdict: 'hold',
      compared: ['p50', 'p90'],
      beyond: ['p90'],
    });
    expect(seen(wide(2000, 4000, 90_000, 4999))).toMatchObject({ verdict: 'advance', compared: ['p50', 'p90'] });
    const whole = seen(wide(2000, 4000, 11_000, 5000));
    expect(whole).toMatchObject({ verdict: 'hold', compared: ['p50', 'p90', 'p99'], beyond: ['p99'] });
    expect(whole.sentence).toContain('compared: p50, p90, p99, beyond it: p99)');
    expect(seen(wide(2400, 4800, 10_800, 5000))).toMatchObject({ verdict: 'advance', beyond: [] });
  });
  it('names no comparison that was not made', () => {
    expect(seen(wide(2000, 4000, 9000, 99)).sentence).toContain(
      '(allowed at most ×1.2: not excluded; too few answers to compare p50, p90, p99)',
    );
    expect(seen(wide(2000, 4000, 9000, 300)).sentence).toContain(
      '(allowed at most ×1.2: not excluded; compared: p50; too few answers to compare p90, p99)',
    );
    expect(judge(input()).sentence).toContain(
      '(allowed at most ×1.25: not excluded; too few events to compare the rates)',
    );
  });
  it('of exactly 1 is judged by the evidence alone, and the sentence says so, for latency as for rates', () => {
    const atOne = { ...errors([300, 9000], [101, 3000]), margin: 1 };
    const { verdict, sentence, numbers } = judge(input({ guardrails: [atOne, wide(2001, 4001, 9001, 50_000, 1)] }));
    expect(verdict).toBe('advance');
    expect(numbers.guardrails.map((g) => [g.compared, g.beyond, g.limit])).toEqual([
      [[], [], 'not excluded'],
      [[], [], 'not excluded'],
    ]);
    expect(sentence.match(/a limit of ×1 is judged by the evidence only, not by comparing figures/g)).toHaveLength(2);
  });
  it('is broken by failures beside a control that has none', () => {
    expect(judge(input({ guardrails: [errors([0, 9000], [20, 3000])] }))).toMatchObject({
      verdict: 'hold',
      reasons: ['limit_broken:error_rate'],
    });
  });

  it('is told and holds nothing up before the last step, where a larger share tells more than waiting does', () => {
    const { verdict, reasons, sentence } = judge(
      look({ guardrails: [errors([30, 9000], [20, 3000])] }, { promotes: false }),
    );
    expect([verdict, reasons]).toEqual(['advance', ['beyond_limit_so_far:error_rate']]);
    expect(sentence).toContain('error_rate is beyond its limit so far, which may be chance');
  });

  describe('is', () => {
    const states = (change: Partial<JudgeInput>, step: Partial<JudgeInput['step']> = {}) => {
      const { verdict, reasons, sentence, numbers } = judge(input(change, step));
      return { verdict, reasons, sentence, limits: numbers.guardrails.map((g) => g.limit) };
    };
    const failing = (candidate: number) =>
      errors([4, 900], [candidate, 300], [{ second: 1, weight: 0.25, control: 4, candidate }]);
    it('proven kept once the confidence sequence gives it, or a harm no greater than it is excluded', () => {
      const shown = { ...errors([9000, 300_000], [3000, 100_000]), proof: true };
      const excluded = {
        ...errors([90, 90_000], [30, 30_000], [{ second: 1, weight: 0.25, control: 90, candidate: 30 }]),
        margin: 2,
        harm: { ratio: 2 },
      };
      for (const [guardrail, limit] of [
        [shown, '×1.25'],
        [excluded, '×2'],
      ] as const) {
        const { verdict, limits, sentence } = states({ guardrails: [guardrail] }, { lastComparison: true });
        expect([verdict, limits]).toEqual(['advance', ['proven kept']]);
        expect(sentence).toContain(`(allowed at most ${limit}: proven kept)`);
      }
    });
    it('proven broken where its evidence rolls back, and the sentence says so', () => {
      const { verdict, limits, sentence } = states({ guardrails: [failing(11)] });
      expect([verdict, limits]).toEqual(['rollBack', ['proven broken']]);
      expect(sentence).toContain('(allowed at most ×1.25: proven broken)');
    });
    it('in doubt, not proven broken, while the guardrails that share α with it keep it from rolling back', () => {
      const quiet = { ...errors([0, 900], [0, 300]), metric: 'misfiled' };
      const found = states({ guardrails: [failing(10), quiet] });
      expect([found.verdict, found.reasons, found.limits[0]]).toEqual([
        'hold',
        ['in_doubt:error_rate'],
        'not excluded',
      ]);
      expect(found.sentence).not.toContain('proven broken');
      expect(states({ guardrails: [failing(10)] }).verdict).toBe('rollBack');
    });
    it('not proven broken where a fault of exposure explains what was seen', () => {
      // The candidate has every second unit where a quarter was meant, and fails no more often than the control.
      const same = errors([60, 600], [60, 600], [{ second: 1, weight: 0.25, control: 60, candidate: 60 }]);
      const found = states({
        guardrails: [same],
        exposures: [{ second: 1, weight: 0.25, control: 600, candidate: 600 }],
      });
      expect([found.verdict, found.reasons, found.limits]).toEqual([
        'hold',
        ['sample_ratio_mismatch'],
        ['not excluded'],
      ]);
    });
  });
});
