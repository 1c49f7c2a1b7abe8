/**
 * Milliseconds since the epoch on a clock that does not jump after the process has started: what the wall clock said
 * then, and monotonic time since. Decisions that wait for time (expiry of evidence, dwell, silence) go by it; an
 * operator who corrects a clock by an hour must not end a rollout.
 */
export function steadyNow(): number {
  // biome-ignore lint/style/noRestrictedGlobals: the one place that reads the time; everybody else is given it
  return Math.round(performance.timeOrigin + performance.now());
}
