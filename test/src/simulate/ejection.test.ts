import { describe, expect, it } from 'vitest';
import { ejectionRow } from './ejection.ts';

describe('ejection by the router', () => {
  it.each([
    ['identical, 5xx of 3 % in both', 333, 4],
    ['one reset connection of the candidate', 333, 4],
    ['an outage of 30 s that both share', 333, 4],
    ['identical, 2 % of answers late', 33, 6],
  ] as const)('is no evidence against a candidate that is like the control: %s', (world, perSecond, runs) => {
    expect(ejectionRow(world, perSecond, 'no event', runs, 7).rolledBack).toBe(0);
    expect(ejectionRow(world, perSecond, 'as failures', runs, 7).rolledBack).toBeGreaterThanOrEqual(0.5);
  });
  it('lets a candidate that always fails be rolled back in seconds', () => {
    const { rolledBack, medianSeconds } = ejectionRow('candidate fails every request', 33, 'no event', 6, 7);
    expect(rolledBack).toBe(1);
    expect(medianSeconds).toBeLessThan(30);
  });
  it('lets it be proved by its probes in seconds, however often control fails beside it at high traffic', () => {
    const { rolledBack, medianSeconds, out } = ejectionRow(
      'candidate fails every request, 5xx of 3 % in control',
      333,
      'no event',
      6,
      7,
    );
    expect({ rolledBack, out }).toEqual({ rolledBack: 1, out: 0 });
    expect(medianSeconds).toBeLessThan(15);
  });
});
