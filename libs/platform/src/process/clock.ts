/**
 * Milliseconds since the epoch on a clock that does not jump: the wall clock at the start of the process plus monotonic
 * time since. Used for decisions that depend on elapsed time (expiry of evidence, dwell, silence), so that an operator
 * who corrects the clock by an hour does not end a rollout.
 */
export function steadyNow(): number {
  // biome-ignore lint/style/noRestrictedGlobals: the one place that reads the time; everybody else is given it
  return Math.round(performance.timeOrigin + performance.now());
}
