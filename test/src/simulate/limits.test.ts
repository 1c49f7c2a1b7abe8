import { describe, expect, it } from 'vitest';
import { limitRow } from './limits.ts';

// `npm run simulate -- --limits` has more runs
const row = (world: string, perMinute: number, comparing: Parameters<typeof limitRow>[2], runs: number) =>
  limitRow(world, perMinute, comparing, runs, 7);

describe('a figure beyond its limit', () => {
  it('checked only before the promotion, makes fewer identical candidates wait, and rolls none back', () => {
    const [every, last] = [row('identical', 200, 'in every step', 20), row('identical', 200, 'before promotion', 20)];
    expect(last.waited).toBeLessThan(every.waited);
    expect(last.held).toBeLessThanOrEqual(every.held);
    // 5 % and three standard errors
    expect(last.rolledBack).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 20));
  });
  it('keeps a candidate that fails twice as often from being promoted when no other rule would', () => {
    const never = row('errors ×2', 200, 'never', 12);
    expect(row('errors ×2', 200, 'before promotion', 12).promoted).toBeLessThan(never.promoted / 2);
  });
});
