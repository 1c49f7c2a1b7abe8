import { describe, expect, it } from 'vitest';
import { armsRow } from './arms.ts';

// 5 % and three standard errors; `npm run simulate -- --arms` has more runs
const atMost = (runs: number) => 0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs);

describe('an experiment of four candidates', () => {
  it('withdraws none and names none where all are alike, however often it is looked at', () => {
    const { wronglyWithdrawn, wronglyNamed } = armsRow(4, 'identical', 12, 7);
    expect(wronglyWithdrawn).toBeLessThanOrEqual(atMost(12));
    expect(wronglyNamed).toBeLessThanOrEqual(atMost(12));
  });
  it('withdraws the one that harms, and names the one that is better', () => {
    expect(armsRow(4, 'harmful', 6, 7)).toMatchObject({ withdrawn: 1, wronglyWithdrawn: 0 });
    expect(armsRow(4, 'better', 6, 7)).toMatchObject({ named: 1, wronglyNamed: 0 });
  });
});
