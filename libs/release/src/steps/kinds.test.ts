import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { rolloutSpecSchema } from '../spec.ts';
import { type Step, stepKinds } from './kinds.ts';
import { candidateAt, defineStep, type Leave, warmForItsShare } from './step.ts';
import { allSteps, stepAt, stepWeight } from './step-at.ts';

describe('a step of a kind that the program does not know', () => {
  const steps = [{ canary: { weight: 0.05, until: {} } }, { bluegreen: {} }] as unknown as Step[];
  it('gets no traffic and is let go by nobody: it is refused by its name', () => {
    expect(() => stepWeight({ steps }, 1)).toThrow('steps.1: "bluegreen" is no kind of step');
    expect(() => stepAt({ steps }, 1)).toThrow('steps.1: "bluegreen" is no kind of step');
    expect(() => stepWeight({ steps: [{ toString: {} }] as unknown as Step[] }, 0)).toThrow('is no kind of step');
  });
});

describe('a kind of step', () => {
  it('does not compile where it leaves a question open', () => {
    // @ts-expect-error: what it spends of α is missing
    const kind = defineStep({
      name: 'pray',
      schema: z.strictObject({}),
      check: () => [],
      share: () => 'same',
      dwellMs: () => 0,
      enter: warmForItsShare,
      leave: () => ({ analysers: [], approvals: 1 }),
      sentence: candidateAt,
    });
    expect(stepKinds.map((k) => k.name)).not.toContain(kind.name);
  });
  it('does not compile where nothing is waited for: such a step would end at once', () => {
    // @ts-expect-error: no analyser, no routers, no approvals and no time
    const atOnce: Leave = { analysers: [], sentence: 'Now.' };
    const onTime: Leave = { analysers: [], time: (activeAt) => activeAt + 1 };
    expect([atOnce.analysers, onTime.analysers]).toEqual([[], []]);
  });
  it('does not compile where it is given a policy that its schema does not have', () => {
    const { share } = stepKinds[2];
    // @ts-expect-error: the weight of a canary is a number
    const wrong = () => share({ weight: '5%', until: {} }, undefined as never);
    expect(wrong).not.toThrow();
  });
});

describe('the steps of a rollout, as their kinds see them', () => {
  const seen = (steps: unknown[], rest: object = {}) =>
    allSteps(rolloutSpecSchema.parse({ endpoint: 'spam', candidate: { model: 'spam', version: 2 }, steps, ...rest }));
  const all = [
    { shadow: { maxExcessDisagreement: '2%', until: { for: '10s' } } },
    { dark: { for: '5s' } },
    { canary: { weight: '5%', until: { requests: 100, for: '1m' } } },
    { dark: {} },
    { experiment: { split: [60, 40], goal: 'kept', until: { units: 10 } } },
    { switch: {} },
    { watch: { for: '30m', holdBack: '5%' } },
  ];
  it('give the candidate what it had, a part of its own, or all but what is held back', () => {
    expect(seen(all).map((step) => step.weight)).toEqual([0, 0, 0.05, 0.05, 0.4, 0.95, 0.95]);
    expect(seen([{ switch: {} }]).map((step) => step.weight)).toEqual([1]);
  });
  it('stay for as long as they say, in their own words', () => {
    expect(seen(all).map((step) => step.dwellMs)).toEqual([10_000, 5000, 60_000, 0, 0, 0, 1_800_000]);
  });
  it('need the candidate warm for what they give it', () => {
    expect(seen(all).map((step) => step.enter.warmFor)).toEqual([0, 0, 0.05, 0.05, 0.4, 0.95, 0.95]);
  });
  it('end on the word of those who judge them; of drift-monitor only where the rollout asks it', () => {
    const traffic = ['experiment-stats'];
    const expected = [['shadow-comparator'], [], traffic, [], traffic, [], traffic];
    expect(seen(all).map((step) => step.leave.analysers)).toEqual(expected);
    const both = expected.map((names) => (names === traffic ? ['experiment-stats', 'drift-monitor'] : names));
    expect(seen(all, { drift: {} }).map((step) => step.leave.analysers)).toEqual(both);
    expect(seen(all).map((step) => step.leave.routersFollow ?? false)).toEqual(
      expected.map((names) => names.length === 0),
    );
  });
  it('say what they count, sample and have to show', () => {
    expect(seen(all).map((step) => step.counts.requests ?? step.counts.units)).toEqual([
      undefined,
      undefined,
      100,
      undefined,
      10,
      undefined,
      undefined,
    ]);
    expect(seen(all).flatMap((step) => (step.sampling ? [step.kind] : []))).toEqual(['shadow']);
    expect(seen(all).flatMap((step) => step.goal ?? [])).toEqual([{ field: 'goal', metric: 'kept' }]);
  });
  it('name themselves and the share of the candidate', () => {
    expect(seen(all).at(4)?.sentence).toBe('Step 4 (experiment) is active with the candidate at 40 %.');
  });
});
