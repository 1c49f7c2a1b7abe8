/** The logarithm of the factor by which each alternative's wealth grows in one second of one stratum. */
export type SecondOfLogFactors = { second: number; logFactors: readonly number[] };

/** Wealth is kept finite; far above every threshold in use. */
const CEILING = 1e250;

/**
 * Mixes a family of test martingales over their alternatives and over the time of onset: each alternative's wealth follows
 * M ← (M + π_t)·factor, half of the stake π at the start and half spread evenly over the planned length; what is not yet staked is
 * kept. The result is a nonnegative martingale that starts at 1 whenever each factor has mean ≤ 1 given the past, so by Ville's inequality
 * it ever reaches 1/α with probability ≤ α.
 *
 * @param series in order of `second`; seconds without events may be left out
 * @param alternatives how many log factors each second carries
 * @param startSecond when the rollout began; @param plannedSeconds its planned length
 * @param nowSecond the instant of the look
 * @returns the e-value now
 */
export function mixtureWealth(
  series: Iterable<SecondOfLogFactors>,
  alternatives: number,
  startSecond: number,
  plannedSeconds: number,
  nowSecond: number,
): number {
  const length = Math.max(1, plannedSeconds);
  const wealth = new Float64Array(alternatives);
  let staked = 0;
  const stakeUntil = (second: number) => {
    const due = 0.5 + 0.5 * Math.min(1, Math.max(0, (second - startSecond) / length));
    const more = Math.max(0, due - staked);
    if (more > 0) for (let j = 0; j < alternatives; j++) wealth[j] = (wealth[j] as number) + more;
    staked += more;
  };
  for (const { second, logFactors } of series) {
    stakeUntil(second);
    for (let j = 0; j < alternatives; j++) wealth[j] = Math.min(CEILING, (wealth[j] as number) * Math.exp(Math.min(570, logFactors[j] as number)));
  }
  stakeUntil(nowSecond);
  let sum = 0;
  for (const w of wealth) sum += w;
  return sum / alternatives + (1 - staked);
}
