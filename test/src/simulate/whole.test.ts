import { describe, expect, it } from 'vitest';
import { wholeRow } from './whole.ts';

// 5 % and three standard errors; `npm run simulate -- --whole` has more runs
const atMost = (runs: number) => 0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs);

describe('an identical candidate whose failures control answers', () => {
  it.each(['exact', 'in ms'] as const)('is neither rolled back nor proved better, latencies %s', (clock) => {
    for (const [perMinute, runs] of [
      [200, 6],
      [2000, 2],
    ] as const) {
      const { rolledBack, provedBetter } = wholeRow(perMinute, 0.1, 'own answers', clock, runs, 7);
      expect(rolledBack).toBeLessThanOrEqual(atMost(runs));
      expect(provedBetter).toBeLessThanOrEqual(atMost(runs));
    }
  });
  it('is rolled back when the time of failed requests and what their callers do counts', () =>
    expect(wholeRow(2000, 0.1, 'all', 'exact', 3, 7).rolledBack).toBe(1));
});
