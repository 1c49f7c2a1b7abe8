import { describe, expect, it } from 'vitest';
import { type CountCell, CountEvidence, WORSE_WHEN_MORE } from '../e-process/counts.ts';
import { random } from '../kernel/random.ts';
import { type EventGuardrail, judge, type JudgeInput } from './judge.ts';

const cells = (control: number, candidate: number, weight = 0.25, seconds = 30): CountCell[] =>
  Array.from({ length: seconds }, (_, second) => ({ second, weight, control, candidate }));

function errors(control: [number, number], candidate: [number, number], over: CountCell[] = []): EventGuardrail {
  return {
    kind: 'events',
    metric: 'error_rate',
    source: 'error',
    direction: 'lower',
    margin: 1.25,
    cells: over,
    step: {
      control: { units: control[1], events: control[0] },
      candidate: { units: candidate[1], events: candidate[0] },
    },
  };
}
function input(change: Partial<JudgeInput> = {}, step: Partial<JudgeInput['step']> = {}): JudgeInput {
  return {
    alpha: 0.05,
    startSecond: 0,
    nowSecond: 30,
    plannedSeconds: 60,
    guardrails: [errors([0, 900], [0, 300])],
    exposures: cells(30, 10),
    crossedUnits: 0,
    ...change,
    step: {
      index: 0,
      weight: 0.25,
      activeSeconds: 30,
      dwellSeconds: 20,
      until: { requests: 200 },
      totals: { control: { requests: 900, units: 900 }, candidate: { requests: 300, units: 300 } },
      ...step,
    },
  };
}

describe('the verdict', () => {
  it('advances when dwell and counts are met and nothing is in doubt', () => {
    expect(judge(input())).toMatchObject({ verdict: 'advance', reasons: ['no_guardrail_in_doubt'] });
  });
  it('rolls back a candidate that fails far more often, and names the guardrail and its numbers', () => {
    const { verdict, reasons, sentence } = judge(input({ guardrails: [errors([30, 900], [90, 300], cells(1, 3))] }));
    expect([verdict, reasons]).toEqual(['rollBack', ['worse:error_rate']]);
    expect(sentence).toContain('error_rate 30.0 % (90 of 300)');
  });
  it('holds, and says how much is missing and how long it will take', () => {
    const { verdict, reasons, sentence } = judge(input({}, { until: { requests: 600 } }));
    expect([verdict, reasons]).toEqual(['hold', ['insufficient_data:requests']]);
    expect(sentence).toContain('300 more requests are needed, about 30 s at the present rate');
  });
  it('never advances on fewer than 20 requests, whatever the plan says', () => {
    expect(
      judge(
        input(
          {},
          { until: {}, totals: { control: { requests: 100, units: 100 }, candidate: { requests: 19, units: 19 } } },
        ),
      ).reasons,
    ).toEqual(['insufficient_data:requests']);
  });
  it('holds during the dwell', () => {
    expect(judge(input({}, { activeSeconds: 5 })).reasons).toEqual(['dwell']);
  });
  it('stays small while a guardrail is in doubt', () => {
    const { verdict, reasons } = judge(
      input({ guardrails: [errors([3, 900], [6, 300], [{ second: 1, weight: 0.25, control: 3, candidate: 7 }])] }),
    );
    expect([verdict, reasons]).toEqual(['hold', ['in_doubt:error_rate']]);
  });
  it('does not wait for a doubt that nothing can resolve: outcomes that came late, and nothing concurrent any more', () => {
    const doubtful = (weight: number) =>
      judge(
        input(
          {
            guardrails: [errors([0, 0], [0, 300], [{ second: 1, weight: 0.25, control: 3, candidate: 7 }])],
            exposures: [],
          },
          { weight },
        ),
      ).reasons;
    expect([doubtful(0.25), doubtful(1)]).toEqual([['in_doubt:error_rate'], ['doubt_remains:error_rate']]);
  });
  it('suspends judgement when the sample ratio is wrong', () => {
    expect(judge(input({ exposures: cells(30, 30, 0.25, 200) }))).toMatchObject({
      verdict: 'hold',
      reasons: ['sample_ratio_mismatch'],
    });
  });
  it('waits for outcomes to come in', () => {
    const misfiled: EventGuardrail = {
      kind: 'events',
      metric: 'misfiled',
      source: 'outcome',
      direction: 'lower',
      margin: 1.1,
      cells: [],
      step: { control: { units: 0, events: 0 }, candidate: { units: 3, events: 0 } },
    };
    const { reasons, sentence } = judge(input({ guardrails: [errors([0, 900], [0, 300]), misfiled] }));
    expect(reasons).toEqual(['insufficient_data:misfiled']);
    expect(sentence).toContain('too few outcomes for misfiled yet (3 of 20, about 170 s at the present rate)');
  });
  it('acts on gross failure where nothing is concurrent', () => {
    expect(
      judge(input({ guardrails: [errors([0, 0], [150, 300], cells(0, 5, 1))], exposures: [] }, { weight: 1 })),
    ).toMatchObject({ verdict: 'rollBack', reasons: ['gross_failure'] });
    expect(
      judge(input({ guardrails: [errors([0, 0], [140, 300], cells(0, 5, 1))], exposures: [] }, { weight: 1 })).verdict,
    ).toBe('advance');
  });
  it('never drops a latency that was declared: without a baseline it holds, says how much is missing, and no NaN', () => {
    const { numbers, verdict, reasons, sentence } = judge(
      input({
        guardrails: [
          errors([0, 900], [0, 300]),
          {
            kind: 'latency',
            metric: 'latency',
            margin: 1.2,
            masses: null,
            baseline: { answers: 120, needed: 500 },
            cells: [],
            sla: [],
          },
        ],
      }),
    );
    expect([verdict, reasons]).toEqual(['hold', ['no_baseline:latency']]);
    expect(sentence).toContain('the control has 120 of the 500 answers that it is compared by (380 are missing)');
    expect(numbers.guardrails.map((g) => [g.inForce, g.stake])).toEqual([
      [true, 1],
      [false, 0],
    ]);
    expect(JSON.stringify(numbers)).not.toContain('null,"e"');
    expect(Number.isFinite(numbers.e)).toBe(true);
  });
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
  it('holds over a limit on latency', () => {
    const latency = {
      kind: 'latency' as const,
      metric: 'latency',
      margin: 1.2,
      masses: [0.5, 0.4, 0.09, 0.01],
      cells: [],
      sla: [{ quantile: 'p99', limitUs: 200_000, actualUs: 250_000 }],
    };
    expect(judge(input({ guardrails: [errors([0, 900], [0, 300]), latency] })).reasons).toEqual([
      'sla_exceeded:latency.p99',
    ]);
  });
  it('asks for proof where the policy does, and advances once the confidence sequence gives it', () => {
    const proved = (control: [number, number], candidate: [number, number]) =>
      judge(input({ guardrails: [{ ...errors(control, candidate), proof: true, margin: 1.25 }] }));
    expect(proved([30, 900], [9, 300])).toMatchObject({ verdict: 'hold', reasons: ['not_proved:error_rate'] });
    expect(proved([9000, 300_000], [3000, 100_000])).toMatchObject({ verdict: 'advance' });
    expect(proved([0, 900], [0, 300]).sentence).toContain('too few events');
    expect(proved([30, 900], [9, 300]).sentence).toMatch(/the bound is at [\d.]+ percentage points; about \d+ s more/);
  });
  it('holds an experiment until its goal is shown to be better; a goal rolls nothing back', () => {
    const goal = (control: [number, number], candidate: [number, number]): EventGuardrail => ({
      kind: 'events',
      role: 'goal',
      metric: 'kept',
      source: 'outcome',
      direction: 'higher',
      margin: 1,
      cells: cells(control[0] / 30, candidate[0] / 30),
      step: {
        control: { events: control[0], units: control[1] },
        candidate: { events: candidate[0], units: candidate[1] },
      },
    });
    const of = (g: EventGuardrail) => judge(input({ guardrails: [errors([0, 900], [0, 300]), g] }));
    expect(of(goal([300, 900], [100, 300])).reasons).toEqual(['goal_open:kept']);
    expect(of(goal([300, 900], [240, 300])).verdict).toBe('advance');
    expect(of(goal([900, 900], [0, 300])).verdict).toBe('hold');
    expect(of({ ...goal([900, 900], [0, 300]), role: 'watch' }).verdict).toBe('advance');
    expect(of({ ...goal([0, 0], [0, 0]), role: 'watch' }).verdict).toBe('advance');
  });
  describe('with a harm that must not be missed', () => {
    const harmed = (
      change: Partial<EventGuardrail>,
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
      const { verdict, reasons, sentence, numbers } = harmed({}, [
        { second: 1, weight: 0.25, control: 6, candidate: 2 },
      ]);
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
      const of = (harm: EventGuardrail['harm']) =>
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
        kind: 'latency' as const,
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
      expect(sentence).toContain('too few answers of the control before the start');
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
});
