import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { unlessLate } from './unless-late.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('calls back when the work hangs', () => {
  let late = 0;
  void unlessLate(new Promise(() => undefined), 15_000, () => late++);
  vi.advanceTimersByTime(14_999);
  expect(late).toBe(0);
  vi.advanceTimersByTime(1);
  expect(late).toBe(1);
});

it('does not call back when it ends in time, with a result or an error', async () => {
  let late = 0;
  expect(await unlessLate(Promise.resolve(7), 15_000, () => late++)).toBe(7);
  await expect(unlessLate(Promise.reject(new Error('no such table')), 15_000, () => late++)).rejects.toThrow('no such');
  vi.advanceTimersByTime(60_000);
  expect(late).toBe(0);
});
