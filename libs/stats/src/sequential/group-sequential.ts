import { requireOpenUnit, sound, StatsError } from '../errors.ts';
import { normalQuantile, normalSurvival } from '../kernel/distributions.ts';
import { invertIncreasing } from '../kernel/invert.ts';

export type Spending = { kind: 'power'; phi: number } | { kind: 'obrien-fleming' } | { kind: 'pocock' };

/**
 * α spent by information fraction t ∈ (0, 1], over both tails together where the test has two (Lan and DeMets 1983).
 */
export const spentAlpha = sound(
  'spentAlpha',
  (spending: Spending, alpha: number, t: number, sides: 1 | 2 = 2): number => {
    switch (spending.kind) {
      case 'power':
        return alpha * t ** spending.phi;
      case 'pocock':
        return alpha * Math.log(1 + (Math.E - 1) * t);
      case 'obrien-fleming':
        return sides === 2
          ? 4 * normalSurvival(normalQuantile(1 - alpha / 4) / Math.sqrt(t))
          : 2 * normalSurvival(normalQuantile(1 - alpha / 2) / Math.sqrt(t));
    }
  },
);

const POINTS = 2000;

/**
 * Bounds on z at each look of a group-sequential test: the density of the score process below the bounds is propagated
 * from look to look (Armitage, McPherson and Rowe 1969) by Simpson's rule on a fixed grid, and each bound spends what
 * the spending function allows.
 *
 * @param fractions information fractions, increasing; the last may be below 1
 */
export const groupSequentialBounds = sound(
  'groupSequentialBounds',
  (fractions: readonly number[], spending: Spending, alpha: number, sides: 1 | 2 = 2): number[] => {
    requireOpenUnit('alpha', alpha);
    if (fractions.some((t, i) => !(t > (fractions[i - 1] ?? 0) && t <= 1)))
      throw new StatsError('out_of_range', 'information fractions must increase within (0, 1]');
    const bounds: number[] = [];
    let spent = 0;
    let grid: number[] = [];
    let density: number[] = [];
    fractions.forEach((t, k) => {
      const target = spentAlpha(spending, alpha, t, sides);
      // The α that this look spends, in one tail.
      const increment = Math.max(0, target - spent) / sides;
      spent = target;
      const before = fractions[k - 1] ?? 0;
      const sd = Math.sqrt(t - before);
      const tail = (b: number) =>
        k === 0
          ? normalSurvival(b / sd)
          : integrate(
              grid,
              density.map((d, i) => d * normalSurvival((b - (grid[i] as number)) / sd)),
            );
      const bound =
        increment <= 0
          ? 8 * Math.sqrt(t)
          : Math.min(
              8 * Math.sqrt(t),
              invertIncreasing((b) => -tail(b), -increment, 0, 12),
            );
      bounds.push(bound / Math.sqrt(t));
      // No look follows the last one.
      if (k === fractions.length - 1) return;
      const low = sides === 2 ? -bound : -8 * Math.sqrt(t);
      const next = Array.from({ length: POINTS + 1 }, (_, i) => low + ((bound - low) * i) / POINTS);
      const phi = (x: number) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
      density = next.map((x) =>
        k === 0
          ? phi(x / sd) / sd
          : integrate(
              grid,
              density.map((d, i) => (d * phi((x - (grid[i] as number)) / sd)) / sd),
            ),
      );
      grid = next;
    });
    return bounds;
  },
);

function integrate(grid: readonly number[], values: readonly number[]): number {
  const h = ((grid.at(-1) as number) - (grid[0] as number)) / (grid.length - 1);
  let sum = 0;
  for (let i = 0; i < values.length; i++)
    sum += (values[i] as number) * (i === 0 || i === values.length - 1 ? 1 : i % 2 === 1 ? 4 : 2);
  return (sum * h) / 3;
}

/**
 * The nominal α of each look when the sample may overrun its plan: fractions are taken of max(observed, planned)
 * (Spotify's rule).
 */
export const overrunAlphas = sound(
  'overrunAlphas',
  (cumulative: readonly number[], planned: number, spending: Spending, alpha: number, sides: 1 | 2 = 2): number[] => {
    const total = Math.max(planned, cumulative.at(-1) ?? 0);
    return groupSequentialBounds(
      cumulative.map((n) => n / total),
      spending,
      alpha,
      sides,
    ).map((bound) => sides * normalSurvival(bound));
  },
);
