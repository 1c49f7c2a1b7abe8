import { type Rollout, rolloutSpecSchema } from '@slipway/release';
import { describe, expect, it } from 'vitest';
import { isLastComparison, isPromotedNext, plannedSeconds } from './plan.ts';

const at = (steps: object[], step: number): Pick<Rollout, 'spec' | 'step'> => ({
  step,
  spec: rolloutSpecSchema.parse({ endpoint: 'spam', candidate: { model: 'spam', version: 2 }, steps }),
});
const canary = (weight: number) => ({ canary: { weight } });

describe('the step after which the candidate has everything', () => {
  it('is the last that widens it in part, whatever comes after the switch', () => {
    const steps = [canary(0.05), canary(0.5), { switch: {} }, { watch: { for: '1m', holdBack: 0.05 } }];
    expect([0, 1, 2, 3].map((step) => isPromotedNext(at(steps, step)))).toEqual([false, true, true, true]);
    expect([0, 1].map((step) => isPromotedNext(at([canary(0.05), canary(0.5)], step)))).toEqual([false, true]);
  });
});

describe('the last step in which both versions are compared', () => {
  const last = (steps: object[], step: number, weight: number) => isLastComparison({ ...at(steps, step), weight });
  it('is the last that asks for a verdict while both serve', () => {
    const steps = [canary(0.05), canary(0.5), { switch: {} }];
    expect([last(steps, 0, 0.05), last(steps, 1, 0.5), last(steps, 2, 1)]).toEqual([false, true, false]);
    const watched = [...steps, { watch: { for: '1m', holdBack: 0.05 } }];
    expect([last(watched, 1, 0.5), last(watched, 3, 0.95)]).toEqual([false, true]);
  });
  it('is not put off by a step in which both serve and nobody is asked', () => {
    expect(last([canary(0.5), { dark: {} }, { switch: {} }], 0, 0.5)).toBe(true);
    expect(last([canary(0.5), { shadow: { maxExcessDisagreement: '2%' } }], 0, 0.5)).toBe(true);
  });
});

describe('the planned length', () => {
  it('is that of the steps that are judged by their traffic, a minute where they do not say', () => {
    const shadow = { shadow: { maxExcessDisagreement: '2%', until: { for: '1h' } } };
    const steps = [shadow, { dark: { for: '1h' } }, canary(0.05), { switch: {} }, { watch: { for: '10m' } }];
    expect(plannedSeconds(at(steps, 0).spec)).toBe(60 + 600);
  });
});
