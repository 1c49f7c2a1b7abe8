/** Statuses of what may go well a moment later. */
const PASSING = new Set([408, 429, 502, 503, 504]);
export const isPassing = (status: number): boolean => PASSING.has(status);

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * How long to wait before another attempt, milliseconds: doubled each time, with some of it drawn, so that those who
 * failed together do not come back together.
 * @param attempt how many have failed, from 1
 * @param draw uniform in [0, 1)
 */
export function pauseMs(attempt: number, draw: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + draw / 2);
}
