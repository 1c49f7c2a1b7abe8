import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import { type ArmInput, judgeArms } from './judge-arms.ts';
import { cells, errors, input } from './look.fixture.ts';

const { alpha, missed: _, ...seen } = input();
const ordinary = (arm: string): ArmInput => ({ arm, ...seen });
const harmful = (arm: string, each = 3): ArmInput => ({
  ...ordinary(arm),
  guardrails: [errors([30, 900], [each * 30, 300], cells(1, each))],
});
const better = (arm: string, candidateEvents: number): ArmInput => ({
  ...ordinary(arm),
  guardrails: [
    errors([0, 900], [0, 300]),
    {
      ...errors([300, 3000], [candidateEvents, 3000]),
      metric: 'kept',
      source: 'outcome',
      direction: 'higher',
      margin: 1,
      role: 'goal',
    },
  ],
});
const of = (...arms: ArmInput[]) => judgeArms({ alpha, candidates: arms.length, arms });

describe('the verdict on several candidates', () => {
  it('on one is the same as without a name, exactly', () => {
    for (const arm of [ordinary('candidate'), harmful('candidate'), better('candidate', 600)]) {
      const { numbers, ...words } = judge({ ...arm, alpha });
      const { arm: name, ...same } = of(arm).arms[0] as ReturnType<typeof of>['arms'][number];
      expect([name, same]).toEqual(['candidate', words]);
      expect(of(arm)).toMatchObject({ ...words, numbers: { arms: { candidate: numbers } } });
    }
  });
  it('divides α and `missed` by the number of candidates at the beginning', () => {
    const { numbers } = judgeArms({ alpha, candidates: 4, arms: [ordinary('b')] });
    expect(numbers.arms['b']?.threshold).toBeCloseTo(4 / alpha, 9);
  });
  it('names the arm that does harm, and rolls back only when every one does', () => {
    const { verdict, reasons, arms } = of(ordinary('b'), harmful('c'));
    expect([verdict, reasons]).toEqual(['hold', ['worse:error_rate@c']]);
    expect(arms.map((a) => a.verdict)).toEqual(['advance', 'rollBack']);
    expect(of(harmful('b'), harmful('c'))).toMatchObject({
      verdict: 'rollBack',
      reasons: ['worse:error_rate@b', 'worse:error_rate@c'],
    });
  });
  it('names a winner only when one is better, and no other is short of its counts', () => {
    expect(of(better('b', 301), better('c', 600))).toMatchObject({
      verdict: 'advance',
      reasons: ['no_guardrail_in_doubt@c'],
    });
    expect(of(better('b', 301), better('c', 302))).toMatchObject({
      verdict: 'hold',
      reasons: ['goal_open:kept@b', 'goal_open:kept@c'],
    });
    const early = better('b', 301);
    early.step = { ...early.step, until: { requests: 600 } };
    expect(of(early, better('c', 600))).toMatchObject({ verdict: 'hold' });
    const both = of(better('b', 620), better('c', 600));
    expect(both).toMatchObject({ verdict: 'hold' });
    expect(both.reasons[0]).toBe('several_arms_better');
    expect(both.sentence).toContain('b, c are each shown to be better than the control');
  });
  it('holds as a whole while one is out of service', () => {
    const out = { ...ordinary('c'), outOfService: { seconds: 75, limitSeconds: 60 } };
    const { verdict, reasons, sentence } = of(ordinary('b'), out);
    expect([verdict, reasons[0]]).toEqual(['hold', 'out_of_service']);
    expect(sentence).toContain('c: Hold: the candidate has been out of service for 75 s');
  });
  it('refuses to judge no candidate, or more than there were', () => {
    expect(() => judgeArms({ alpha, candidates: 2, arms: [] })).toThrow('no candidate remains');
    expect(() => judgeArms({ alpha, candidates: 1, arms: [ordinary('b'), ordinary('c')] })).toThrow('candidates: of 1');
  });
});
