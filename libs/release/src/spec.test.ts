import { describe, expect, it } from 'vitest';
import { parseOrProblem, ProblemError } from '@slipway/core';
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

describe('the rollout grammar', () => {
  it('takes shares as percent and as numbers', () => {
    const parsed = rolloutSpecSchema.parse(spec([{ canary: { weight: '5%' } }, { canary: { weight: 0.25 } }]));
    expect([stepWeight(parsed.steps, 0), stepWeight(parsed.steps, 1)]).toEqual([0.05, 0.25]);
  });

  it("applies a watch's hold-back to the switch before it", () => {
    const parsed = rolloutSpecSchema.parse(spec([{ switch: {} }, { watch: { for: '30m', holdBack: '5%' } }]));
    expect(stepWeight(parsed.steps, 0)).toBe(0.95);
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
      'held-back units that met the candidate',
      spec([{ canary: { weight: '97%' } }, { switch: {} }, { watch: { for: '1m', holdBack: '5%' } }]),
      'steps.2.watch.holdBack: units that an earlier',
    ],
    [
      'an unknown field of a step',
      spec([{ canary: { weight: '5%', wieght: 1 } }]),
      'steps.0.canary.wieght: is not known here',
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
