import { describe, expect, it } from 'vitest';
import { ejectionRow } from './ejection.ts';
import { returningRow } from './returning.ts';

// 5 % and three standard errors; `npm run simulate -- --returning` and `-- --ejection` have more runs
const atMost = (runs: number) => 0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs);

describe('users who come back', () => {
  it.each(['6 steps: 5, 10, 20 … 50', '10 steps: 40, 41 … 49', 'paused: 25, 50, 25, 50, 75'])(
    'neither roll an identical candidate back nor ring the alarm of the sample ratio: %s',
    (ladder) => {
      const { rolledBack, alarms, fresh } = returningRow(ladder, 300, 'identical', 40, 7);
      expect(rolledBack).toBeLessThanOrEqual(atMost(40));
      expect(alarms).toBeLessThanOrEqual(atMost(40));
      // counted as fresh draws they do more of either
      expect(fresh.rolledBack + fresh.alarms).toBeGreaterThan(rolledBack + alarms);
    },
  );
  it('still roll a broken candidate back', () => {
    const { rolledBack, medianSeconds } = returningRow('6 steps: 5, 10, 20 … 50', 300, 'broken', 8, 7);
    expect(rolledBack).toBe(1);
    expect(medianSeconds).toBeLessThan(60);
  });
});

describe('ejection by the router', () => {
  it.each([
    ['identical, 5xx of 3 % in both', 333, 4],
    ['one reset connection of the candidate', 333, 4],
    ['an outage of 30 s that both share', 333, 4],
  ] as const)('is no evidence against a candidate that is like the control: %s', (world, perSecond, runs) => {
    expect(ejectionRow(world, perSecond, 'no event', runs, 7).rolledBack).toBe(0);
    expect(ejectionRow(world, perSecond, 'as failures', runs, 7).rolledBack).toBeGreaterThanOrEqual(0.5);
  });
  it('leaves a candidate that fails always to be rolled back in seconds', () => {
    const { rolledBack, medianSeconds } = ejectionRow('candidate fails every request', 33, 'no event', 6, 7);
    expect(rolledBack).toBe(1);
    expect(medianSeconds).toBeLessThan(30);
  });
});
