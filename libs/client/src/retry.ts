/** HTTP statuses of transient failures. */
const PASSING = new Set([408, 429, 502, 503, 504]);
export const isPassing = (status: number): boolean => PASSING.has(status);

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * The pause before another attempt, in milliseconds: doubled with each attempt, with jitter, so that clients that
 * failed together do not retry together.
 * @param attempt number of failed attempts, from 1
 * @param draw uniform in [0, 1)
 */
export function pauseMs(attempt: number, draw: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + draw / 2);
}
