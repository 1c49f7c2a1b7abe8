import { describe, expect, it } from 'vitest';
import { random } from '../kernel/random.ts';
import { proveRatio } from './proof.ts';

describe('a proof that a margin is kept', () => {
  it('is not given by a few units without an event', () => {
    const control = { units: 400, events: 20 };
    expect(proveRatio(control, { units: 20, events: 0 }, 1.25, 'below', 0.05).state).toBe('open');
    // or, when an event is good, by a few units that all had one
    expect(proveRatio({ units: 400, events: 340 }, { units: 20, events: 20 }, 0.95, 'above', 0.05).state).toBe('open');
    expect(proveRatio({ units: 9e4, events: 4500 }, { units: 9e4, events: 4500 }, 1.25, 'below', 0.05).state).toBe(
      'proved',
    );
  });

  it.each([
    [0.05, 0.05],
    [0.05, 0.01],
    [0.01, 0.05],
    [0.5, 0.01],
  ])('is given falsely with probability α at most over repeated looks: a share of %d, a rate of %d', (share, rate) => {
    const margin = 1.25;
    const uniform = random(7);
    const RUNS = 200;
    let proved = 0;
    for (let run = 0; run < RUNS; run++) {
      const control = { units: 0, events: 0 };
      const candidate = { units: 0, events: 0 };
      for (let n = 1; n <= 8000; n++) {
        const isCandidate = uniform() < share;
        const arm = isCandidate ? candidate : control;
        arm.units++;
        if (uniform() < rate * (isCandidate ? margin : 1)) arm.events++;
        if (n % 40 > 0 || candidate.units < 20) continue;
        if (proveRatio(control, candidate, margin, 'below', 0.05).state !== 'proved') continue;
        proved++;
        break;
      }
    }
    expect(proved / RUNS).toBeLessThanOrEqual(0.05);
  });
});
