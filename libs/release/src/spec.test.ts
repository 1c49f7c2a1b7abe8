import { describe, expect, it } from 'vitest';
import { parseOrProblem, ProblemError } from '@slipway/core';
import { candidateShares, pairShare } from './arms.ts';
import { rolloutSpecSchema } from './spec.ts';
import { stepWeight } from './steps/step-at.ts';

const spec = (steps: unknown[], rest: object = {}) => ({
  endpoint: 'spam',
  candidate: { model: 'spam', version: 2 },
  steps,
  ...rest,
});

function complaint(value: unknown): string {
  try {
    parseOrProblem(rolloutSpecSchema, value);
  } catch (error) {
    if (error instanceof ProblemError) return error.message;
    throw error;
  }
  return '';
}

const three = {
  candidate: undefined,
  candidates: ['b', 'c'].map((name, i) => ({ name, model: 'spam', version: i + 2 })),
};
const split = (parts?: number[]) => ({ experiment: { goal: 'kept', ...(parts ? { split: parts } : {}) } });

describe('the rollout grammar', () => {
  it('takes several candidates in an experiment, each with its part', () => {
    const parsed = rolloutSpecSchema.parse(spec([{ dark: {} }, split([40, 40, 20])], three));
    expect(stepWeight(parsed, 1)).toBe(0.6);
    expect(candidateShares({ spec: parsed, step: 1, weight: 0.6 }).map((c) => [c.name, c.share])).toEqual([
      ['b', 0.4],
      ['c', 0.2],
    ]);
    expect([pairShare(parsed, 'b'), pairShare(parsed, 'c')]).toEqual([0.8, 0.6]);
    expect(stepWeight(rolloutSpecSchema.parse(spec([split()], three)), 0)).toBe(0.666666667);
    expect(stepWeight(rolloutSpecSchema.parse(spec([split()])), 0)).toBe(0.5);
  });
  it.each([
    ['a shadow', [{ shadow: { maxExcessDisagreement: 0.1 } }, split()], {}, '"shadow" is of one candidate'],
    ['a canary', [{ canary: { weight: 0.1 } }, split()], {}, '"canary" is of one candidate'],
    ['nothing that names a winner', [{ dark: {} }], {}, 'take an "experiment" as their last step'],
    ['something after it', [split(), { dark: {} }], {}, 'nothing follows an experiment of several arms'],
    ['another number of parts', [split([50, 50])], {}, 'has 2 parts; control and the candidates are 3 arms'],
    ['a candidate beside them', [split()], { candidate: { model: 'spam', version: 9 } }, 'give either "candidate"'],
    ['none at all', [split()], { candidates: undefined }, 'give either "candidate"'],
    ['an arm twice', [split()], { candidates: [three.candidates[0], three.candidates[0]] }, 'is given twice'],
    [
      'control among them',
      [split()],
      { candidates: [three.candidates[0], { name: 'control', model: 'spam', version: 3 }] },
      '"control" is the arm that serves now',
    ],
  ])('refuses several candidates with %s', (_, steps, rest, message) => {
    expect(complaint(spec(steps, { ...three, ...rest }))).toContain(message);
  });

  it('accepts shares as percent and as numbers', () => {
    const parsed = rolloutSpecSchema.parse(spec([{ canary: { weight: '5%' } }, { canary: { weight: 0.25 } }]));
    expect([stepWeight(parsed, 0), stepWeight(parsed, 1)]).toEqual([0.05, 0.25]);
  });

  it("applies a watch's hold-back to the switch before it", () => {
    const parsed = rolloutSpecSchema.parse(spec([{ switch: {} }, { watch: { for: '30m', holdBack: '5%' } }]));
    expect(stepWeight(parsed, 0)).toBe(0.95);
  });

  it.each([
    [
      'weights that do not grow',
      spec([{ canary: { weight: '25%' } }, { canary: { weight: '5%' } }]),
      'steps.1.canary.weight: weights must grow',
    ],
    [
      'a watch without a switch',
      spec([{ canary: { weight: '5%' } }, { watch: { for: '1m' } }]),
      'steps.1: "watch" must follow "switch"',
    ],
    [
      'a canary after the switch',
      spec([{ switch: {} }, { canary: { weight: '5%' } }]),
      'steps.1: only "watch" may follow',
    ],
    [
      'held-back units that were exposed to the candidate',
      spec([{ canary: { weight: '97%' } }, { switch: {} }, { watch: { for: '1m', holdBack: '5%' } }]),
      'steps.2.watch.holdBack: units that an earlier',
    ],
    [
      'an unknown field of a step',
      spec([{ canary: { weight: '5%', wieght: 1 } }]),
      'steps.0.canary.wieght: is not a known field',
    ],
    ['a duration without a unit', spec([{ switch: {} }, { watch: { for: '30' } }]), 'steps.1.watch.for: a duration'],
    [
      'a guardrail named twice',
      spec([{ switch: {} }], { guardrails: [{ metric: 'error_rate' }, { metric: 'error_rate' }] }),
      'guardrails.1.metric: is named twice',
    ],
    ['no steps', spec([]), 'steps:'],
  ])('refuses %s and names the field', (_, value, message) => {
    expect(complaint(value)).toContain(message);
  });
});
