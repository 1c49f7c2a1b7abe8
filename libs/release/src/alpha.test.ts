import { describe, expect, it } from 'vitest';
import { alphaShare } from './alpha.ts';
import { createdRollout } from './rollout.fixture.ts';
import { stepKinds } from './steps/kinds.ts';
import { ANALYSERS } from './steps/step.ts';

const shadow = { shadow: { maxExcessDisagreement: '2%' } };
const canary = { canary: { weight: '5%' } };
const share = (steps: object[], step: number, analyser: string) =>
  alphaShare({ ...createdRollout(steps), alpha: 0.05, step }, analyser);

describe('the share of α', () => {
  it('belongs to the traffic when no other analyser may roll back, also in a rollout that only switches', () => {
    expect(share([canary, { switch: {} }], 0, ANALYSERS.traffic)).toBe(0.05);
    expect(share([{ switch: {} }], 0, ANALYSERS.traffic)).toBe(0.05);
  });
  it('is a fifth for the shadow steps, in equal parts, and the rest for the traffic, in any step', () => {
    const steps = [shadow, shadow, canary];
    expect(share(steps, 0, ANALYSERS.shadow)).toBe(0.05 / 5 / 2);
    expect(share(steps, 1, ANALYSERS.shadow)).toBe(0.05 / 5 / 2);
    for (const step of [0, 1, 2]) expect(share(steps, step, ANALYSERS.traffic)).toBe((0.05 * 4) / 5);
  });
  it('is zero for drift, which never rolls back', () => {
    expect(share([shadow, canary], 1, ANALYSERS.drift)).toBe(0);
  });
  it('adds up to at most α, whichever kinds of steps a rollout has', () => {
    const fifths = stepKinds.map(({ alpha }) => (alpha && 'fifths' in alpha ? alpha.fifths : 0));
    expect(fifths.reduce((sum: number, n) => sum + n, 0)).toBeLessThan(5);
    const rest = stepKinds.flatMap(({ alpha }) => (alpha && 'rest' in alpha ? [alpha.analyser] : []));
    expect(new Set(rest).size).toBe(1);
  });
});
