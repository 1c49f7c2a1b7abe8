import { describe, expect, it } from 'vitest';
import { outcomes, rolledBack } from './closed-loop.fixture.ts';

describe('the decision rule in closed loop, with trouble that both arms share,', () => {
  it.each(['shared outage', 'shared load wave'])(
    'leaves harmless candidates alone, whatever both arms go through: %s',
    (name) => {
      // 5 % and three standard errors; `npm run simulate` has more runs
      for (const [volume, runs] of [
        [200, 20],
        [2000, 5],
      ] as const)
        expect(rolledBack(outcomes(name, volume, runs))).toBeLessThanOrEqual(
          0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs),
        );
    },
  );
});
