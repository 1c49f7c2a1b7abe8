import { type Rollout, rolloutSpecSchema } from '@slipway/release';
import { describe, expect, it } from 'vitest';
import { isLastComparison, isPromotedNext, plannedSeconds } from './plan.ts';

const at = (steps: object[], step: number): Pick<Rollout, 'spec' | 'step'> => ({
  step,
  spec: rolloutSpecSchema.parse({ endpoint: 'spam', candidate: { model: 'spam', version: 2 }, steps }),
});
const canary = (weight: number) => ({ canary: { weight } });

describe('the last step before the candidate has everything', () => {
  it('is the last step with a larger partial share, whatever comes after the switch', () => {
    const steps = [canary(0.05), canary(0.5), { switch: {} }, { watch: { for: '1m', holdBack: 0.05 } }];
    expect([0, 1, 2, 3].map((step) => isPromotedNext(at(steps, step)))).toEqual([false, true, true, true]);
    expect([0, 1].map((step) => isPromotedNext(at([canary(0.05), canary(0.5)], step)))).toEqual([false, true]);
  });
});

describe('the last step in which both versions are compared', () => {
  const last = (steps: object[], step: number, weight: number) => isLastComparison({ ...at(steps, step), weight });
  it('is the last one that needs a verdict while both versions serve', () => {
    const steps = [canary(0.05), canary(0.5), { switch: {} }];
    expect([last(steps, 0, 0.05), last(steps, 1, 0.5), last(steps, 2, 1)]).toEqual([false, true, false]);
    const watched = [...steps, { watch: { for: '1m', holdBack: 0.05 } }];
    expect([last(watched, 1, 0.5), last(watched, 3, 0.95)]).toEqual([false, true]);
  });
  it('does not move to a later step in which both serve without a verdict', () => {
    expect(last([canary(0.5), { dark: {} }, { switch: {} }], 0, 0.5)).toBe(true);
    expect(last([canary(0.5), { shadow: { maxExcessDisagreement: '2%' } }], 0, 0.5)).toBe(true);
  });
});

describe('the planned length', () => {
  it('is the sum over the steps judged by their traffic, a minute each by default', () => {
    const shadow = { shadow: { maxExcessDisagreement: '2%', until: { for: '1h' } } };
    const steps = [shadow, { dark: { for: '1h' } }, canary(0.05), { switch: {} }, { watch: { for: '10m' } }];
    expect(plannedSeconds(at(steps, 0).spec)).toBe(60 + 600);
  });
});
