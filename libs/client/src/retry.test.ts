import { expect, it } from 'vitest';
import { isPassing, pauseMs } from './retry.ts';

it('doubles the pause with each attempt, with jitter between half and all of it, up to 5 s', () => {
  expect([1, 2, 3].map((failed) => pauseMs(failed, 0))).toEqual([50, 100, 200]);
  expect(pauseMs(1, 0.999)).toBeCloseTo(100, 0);
  expect(pauseMs(30, 0.999)).toBeLessThanOrEqual(5000);
});
it('does not retry a permanent refusal', () => {
  expect([400, 401, 403, 404, 409, 422, 500].filter(isPassing)).toEqual([]);
  expect([408, 502, 503, 504].filter(isPassing)).toHaveLength(4);
});
