import { describe, expect, it } from 'vitest';
import type { ProportionGuardrail } from '../guardrails/proportion.ts';
import { judge } from './judge.ts';
import { cells, errors, input } from './look.fixture.ts';

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
  it('does not wait for a doubt that nothing can resolve: late outcomes, and nothing concurrent any more', () => {
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
    const misfiled: ProportionGuardrail = {
      kind: 'proportion',
      metric: 'misfiled',
      source: 'outcome',
      direction: 'lower',
      margin: 1.1,
      cells: [],
      step: { control: { units: 0, events: 0 }, candidate: { units: 3, events: 0 } },
    };
    const { reasons, sentence } = judge(input({ guardrails: [errors([0, 900], [0, 300]), misfiled] }));
    expect(reasons).toEqual(['insufficient_data:misfiled']);
    expect(sentence).toContain(
      'misfiled has outcomes of 3 units, at least 20 are needed, about 170 s at the present rate',
    );
  });
  it('acts on gross failure where nothing is concurrent', () => {
    expect(
      judge(input({ guardrails: [errors([0, 0], [150, 300], cells(0, 5, 1))], exposures: [] }, { weight: 1 })),
    ).toMatchObject({ verdict: 'rollBack', reasons: ['gross_failure'] });
    expect(
      judge(input({ guardrails: [errors([0, 0], [140, 300], cells(0, 5, 1))], exposures: [] }, { weight: 1 })).verdict,
    ).toBe('advance');
  });
  it('counts the requests that fail, not the units that ever had one: those that come often nearly all have', () => {
    const often = (failedShare: number) => {
      const of = errors([0, 0], [150, 300], cells(0, 5, 1));
      const candidate = { ...of.step.candidate, failedShare };
      const guardrails = [{ ...of, step: { ...of.step, candidate } }];
      return judge(input({ guardrails, exposures: [] }, { weight: 1 })).verdict;
    };
    expect([often(0.01), often(0.5)]).toEqual(['advance', 'rollBack']);
  });
  it('neither rolls back nor promotes in an outage that the control shares, and sees a broken candidate in it', () => {
    const found = (failedShare: number, sharedShare: number) => {
      const of = errors([0, 0], [290, 300], cells(0, 5, 1));
      const candidate = { ...of.step.candidate, failedShare, sharedShare };
      const guardrails = [{ ...of, step: { ...of.step, candidate } }];
      const { verdict, reasons } = judge(input({ guardrails, exposures: [] }, { weight: 1 }));
      return [verdict, ...reasons];
    };
    expect(found(0.9, 0.9)).toEqual(['hold', 'outage']);
    expect(found(0.97, 0.95)).toEqual(['hold', 'outage']);
    expect(found(0.3, 0.3)[0]).toBe('advance');
    // The control, which has all of the traffic now, can answer four in ten.
    expect(found(1, 0.6)).toEqual(['rollBack', 'gross_failure']);
  });
  it('never drops a declared latency: without a baseline it holds, says how much is missing, and no NaN', () => {
    const { numbers, verdict, reasons, sentence } = judge(
      input({
        guardrails: [
          errors([0, 900], [0, 300]),
          {
            kind: 'quantile',
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
    expect(sentence).toContain('the control has 120 of the 500 answers that its baseline needs (380 are missing)');
    expect(numbers.guardrails.map((g) => [g.inForce, g.stake])).toEqual([
      [true, 1],
      [false, 0],
    ]);
    expect(JSON.stringify(numbers)).not.toContain('null,"e"');
    expect(Number.isFinite(numbers.e)).toBe(true);
  });
  it('holds over a limit on latency', () => {
    const latency = {
      kind: 'quantile' as const,
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
    expect(proved([30, 900], [9, 300]).sentence).toMatch(
      /its confidence bound is at [\d.]+ percentage points; about \d+ s more/,
    );
  });
  it('holds an experiment until its goal is shown to be better; a goal rolls nothing back', () => {
    const goal = (control: [number, number], candidate: [number, number]): ProportionGuardrail => ({
      kind: 'proportion',
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
    const of = (g: ProportionGuardrail) => judge(input({ guardrails: [errors([0, 900], [0, 300]), g] }));
    expect(of(goal([300, 900], [100, 300])).reasons).toEqual(['goal_open:kept']);
    expect(of(goal([300, 900], [240, 300])).verdict).toBe('advance');
    expect(of(goal([900, 900], [0, 300])).verdict).toBe('hold');
    expect(of({ ...goal([900, 900], [0, 300]), role: 'watch' }).verdict).toBe('advance');
    expect(of({ ...goal([0, 0], [0, 0]), role: 'watch' }).verdict).toBe('advance');
  });
});
