import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { rolloutSpecSchema } from '../spec.ts';
import { type Step, stepKinds } from './kinds.ts';
import { candidateAt, defineStep, type Leave, warmForItsShare } from './step.ts';
import { allSteps, stepAt, stepWeight } from './step-at.ts';

describe('a step of an unknown kind', () => {
  const steps = [{ canary: { weight: 0.05, until: {} } }, { bluegreen: {} }] as unknown as Step[];
  it('gets no traffic and cannot be left: it is refused by name', () => {
    expect(() => stepWeight({ steps }, 1)).toThrow('steps.1: "bluegreen" is not a kind of step');
    expect(() => stepAt({ steps }, 1)).toThrow('steps.1: "bluegreen" is not a kind of step');
    expect(() => stepWeight({ steps: [{ toString: {} }] as unknown as Step[] }, 0)).toThrow('is not a kind of step');
  });
});

describe('a kind of step', () => {
  it('does not compile when it leaves a question open', () => {
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
  it('does not compile with a policy that its schema does not have', () => {
    const { share } = stepKinds[2];
    // @ts-expect-error: the weight of a canary is a number
    const wrong = () => share({ weight: '5%', until: {} }, undefined as never);
    expect(wrong).not.toThrow();
  });
});

describe('the steps of a rollout, by their kinds', () => {
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
  it('give the candidate its earlier share, a share of its own, or all but the hold-back', () => {
    expect(seen(all).map((step) => step.weight)).toEqual([0, 0, 0.05, 0.05, 0.4, 0.95, 0.95]);
    expect(seen([{ switch: {} }]).map((step) => step.weight)).toEqual([1]);
  });
  it('have their minimum duration, under their own names', () => {
    expect(seen(all).map((step) => step.dwellMs)).toEqual([10_000, 5000, 60_000, 0, 0, 0, 1_800_000]);
  });
  it('need the candidate warm for their share of the traffic', () => {
    expect(seen(all).map((step) => step.enter.warmFor)).toEqual([0, 0, 0.05, 0.05, 0.4, 0.95, 0.95]);
  });
  it('end when their analysers advance; drift-monitor only when the rollout requires it', () => {
    const traffic = ['experiment-stats'];
    const expected = [['shadow-comparator'], [], traffic, [], traffic, [], traffic];
    expect(seen(all).map((step) => step.leave.analysers)).toEqual(expected);
    const both = expected.map((names) => (names === traffic ? ['experiment-stats', 'drift-monitor'] : names));
    expect(seen(all, { drift: {} }).map((step) => step.leave.analysers)).toEqual(both);
    expect(seen(all).map((step) => step.leave.routersFollow ?? false)).toEqual(
      expected.map((names) => names.length === 0),
    );
  });
  it('declare their counts, samples and goals', () => {
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
  it('are described with the share of the candidate', () => {
    expect(seen(all).at(4)?.sentence).toBe('Step 4 (experiment) is active with the candidate at 40 %.');
  });
});
