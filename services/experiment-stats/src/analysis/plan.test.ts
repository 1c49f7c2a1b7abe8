import { type Rollout, rolloutSpecSchema } from '@slipway/release';
import { describe, expect, it } from 'vitest';
import { isPromotedNext } from './plan.ts';

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
