import { describe, expect, it } from 'vitest';
import { returningRow } from './returning.ts';

// 5 % and three standard errors; `npm run simulate -- --returning` has more runs
const atMost = (runs: number) => 0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs);

describe('users who come back', () => {
  it.each(['6 steps: 5, 10, 20 … 50', '10 steps: 40, 41 … 49', 'paused: 25, 50, 25, 50, 75'])(
    'are no reason to roll back an identical candidate, or for a sample-ratio alarm: %s',
    (ladder) => {
      const { rolledBack, alarms, fresh } = returningRow(ladder, 300, 'identical', 40, 7);
      expect(rolledBack).toBeLessThanOrEqual(atMost(40));
      expect(alarms).toBeLessThanOrEqual(atMost(40));
      // Counted as independent draws they cause more of either.
      expect(fresh.rolledBack + fresh.alarms).toBeGreaterThan(rolledBack + alarms);
    },
  );
  it('do not keep a broken candidate from being rolled back', () => {
    const { rolledBack, medianSeconds } = returningRow('6 steps: 5, 10, 20 … 50', 300, 'broken', 8, 7);
    expect(rolledBack).toBe(1);
    expect(medianSeconds).toBeLessThan(60);
  });
});
