import { requireCount, sound, StatsError } from '../errors.ts';
import { chiSquareSurvival } from '../kernel/gamma.ts';
import { random } from '../kernel/random.ts';

/** Factor between Σ (p − q)² / p̄ and each divergence, to which all are proportional when p and q are close. */
const CURVATURE = { psi: 1, jensenShannon: 8, hellinger: 8 } as const;

/**
 * P(a divergence at least as large | no drift), at the sizes of these windows: divergence · curvature / (1/n + 1/m) is
 * asymptotically χ² with (bins − 1) degrees of freedom (Yurdakul 2018 for PSI; the same expansion for the others). A
 * fixed threshold means something else at every size: PSI ≥ 0.1 over ten bins alarms in 84 % of windows of 100 rows
 * that have not drifted at all.
 *
 * @param value PSI in nats; the Jensen–Shannon distance to the base e; the Hellinger distance
 */
export const divergenceP = sound(
  'divergenceP',
  (kind: keyof typeof CURVATURE, value: number, bins: number, n: number, m: number): number => {
    requireCount('bins and rows', bins, n, m);
    if (n < 1 || m < 1) throw new StatsError('empty_arm', 'a window is empty');
    if (!(value >= 0)) throw new StatsError('out_of_range', `a divergence must not be negative, but is ${value}`);
    if (bins < 2) return 1;
    return chiSquareSurvival((CURVATURE[kind] * (kind === 'psi' ? value : value * value)) / (1 / n + 1 / m), bins - 1);
  },
);

/**
 * P(a distance at least as large | both samples come from one distribution), by permuting the sample labels: exact at
 * every size, for any distance (Wasserstein, energy …). The same seed gives the same p. (1 + number at least as large)
 * / (1 + rounds), so never 0.
 */
export const permutationP = sound(
  'permutationP',
  (
    a: readonly number[],
    b: readonly number[],
    distance: (a: readonly number[], b: readonly number[]) => number,
    rounds: number = 999,
    seed: number = 1,
  ): number => {
    requireCount('rounds', rounds);
    if (rounds > 1e6)
      throw new StatsError('out_of_range', `the number of rounds must be at most a million, not ${rounds}`);
    if (a.length === 0 || b.length === 0) throw new StatsError('empty_arm', 'a sample is empty');
    const uniform = random(seed);
    const here = distance(a, b);
    const all = [...a, ...b];
    let extreme = 0;
    for (let round = 0; round < rounds; round++) {
      for (let i = all.length - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        [all[i], all[j]] = [all[j] as number, all[i] as number];
      }
      if (distance(all.slice(0, a.length), all.slice(a.length)) >= here - 1e-12 * Math.abs(here)) extreme++;
    }
    return (1 + extreme) / (1 + rounds);
  },
);
