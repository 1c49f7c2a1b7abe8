import { describe, expect, it } from 'vitest';
import { type CountCell, CountEvidence, WORSE_WHEN_MORE } from '../e-process/counts.ts';
import { random } from '../kernel/random.ts';
import type { ProportionGuardrail } from '../guardrails/proportion.ts';
import type { JudgeInput } from './input.ts';
import { judge } from './judge.ts';
import { errors, input } from './look.fixture.ts';

describe('with a harm that must not be missed', () => {
  const harmed = (
    change: Partial<ProportionGuardrail>,
    counts: CountCell[],
    step: Partial<JudgeInput['step']> = { lastComparison: true },
  ) =>
    judge(
      input(
        {
          guardrails: [
            {
              ...errors(
                [counts.reduce((n, c) => n + c.control, 0), 90_000],
                [counts.reduce((n, c) => n + c.candidate, 0), 30_000],
                counts,
              ),
              harm: { ratio: 2 },
              ...change,
            },
          ],
        },
        step,
      ),
    );
  it('waits in the last step that compares, and says how long', () => {
    const { verdict, reasons, sentence, numbers } = harmed({}, [{ second: 1, weight: 0.25, control: 6, candidate: 2 }]);
    expect([verdict, reasons]).toEqual(['hold', ['harm_open:error_rate']]);
    // 2² / 1.25⁸
    expect(numbers.guardrails[0]?.harm?.e).toBeCloseTo(4 / 1.25 ** 8, 12);
    expect(sentence).toContain(
      'a harm to error_rate that must not be missed is not excluded yet (×2.00: likelihood ratio 0.67, about',
    );
    expect(harmed({}, [{ second: 1, weight: 0.25, control: 6, candidate: 2 }], {}).verdict).toBe('advance');
  });
  it('advances once it is excluded', () =>
    expect(harmed({}, [{ second: 1, weight: 0.25, control: 90, candidate: 30 }]).verdict).toBe('advance'));
  it('takes the smaller of a ratio and a difference', () => {
    // the control errs on 0.1 %: + 0.05 pp is × 1.5
    const of = (harm: ProportionGuardrail['harm']) =>
      harmed({ harm }, [{ second: 1, weight: 0.25, control: 90, candidate: 30 }]).numbers.guardrails[0]?.harm?.harm;
    expect(of({ ratio: 2, absolute: 0.0005 })).toBeCloseTo(1.5, 12);
    expect(of({ ratio: 1.2, absolute: 0.0005 })).toBe(1.2);
  });
  it('where nothing happens at all, a difference can still be excluded, a ratio not', () => {
    expect(harmed({ harm: { absolute: 0.005 } }, []).verdict).toBe('advance');
    expect(harmed({ harm: { ratio: 2 } }, []).reasons).toEqual(['harm_open:error_rate']);
  });
  it('holds for latency that cannot be measured', () => {
    const latency = {
      kind: 'quantile' as const,
      metric: 'latency',
      margin: 1,
      masses: null,
      cells: [],
      sla: [],
      harm: null,
    };
    const { reasons, sentence } = judge(
      input({ guardrails: [errors([0, 900], [0, 300]), latency] }, { lastComparison: true }),
    );
    expect(reasons).toEqual(['harm_open:latency', 'no_baseline:latency']);
    expect(sentence).toContain('the control has too few answers, or too similar ones');
  });
  it('misses a candidate that does it in at most the allowed share of rollouts, at every look', () => {
    const uniform = random(20261123);
    let missed = 0;
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      const evidence = new CountEvidence(1, WORSE_WHEN_MORE, 0, 2000);
      let excluded = false;
      for (let second = 0; second < 2000 && !excluded; second++) {
        // one event a second; under a harm of × 2 it is the candidate's with probability 2w / (1 + w)
        const weight = second < 1000 ? 0.25 : 0.5;
        const candidate = uniform() < (2 * weight) / (1 + weight) ? 1 : 0;
        evidence.add({ second, weight, control: 1 - candidate, candidate });
        excluded = evidence.likelihoodRatio(2) <= 0.05;
      }
      missed += excluded ? 1 : 0;
    }
    expect(missed / runs).toBeLessThanOrEqual(0.05);
    expect(missed).toBeGreaterThan(0);
  });
});
