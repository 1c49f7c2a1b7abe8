import { sound, StatsError } from '../errors.ts';
import { normalCdf } from '../kernel/normal.ts';

export type BanditArm = { pulls: number; mean: number; variance: number };
const FLOOR = 1e-12;

function bestOf(arms: readonly BanditArm[], optimize: 'max' | 'min'): number {
  return arms.reduce(
    (best, a, i) =>
      (optimize === 'max' ? a.mean > (arms[best] as BanditArm).mean : a.mean < (arms[best] as BanditArm).mean)
        ? i
        : best,
    0,
  );
}

/**
 * Shares that find an ε-best arm soonest (track and stop, Garivier and Kaufmann 2016, for normal rewards with their
 * own variances): maximises the smallest rate y = gap_i² / (2(σ_b²/w_b + σ_i²/w_i)). For a share w_b of the best
 * arm each other share is max(min, σ_i² / (gap_i²/(2y) − σ_b²/w_b)); y by bisection until the shares sum to 1,
 * w_b by golden section.
 */
export const trackAndStopShares = sound(
  'trackAndStopShares',
  (
    arms: readonly BanditArm[],
    options: { epsilon: number; minProbability: number; optimize?: 'max' | 'min' },
  ): number[] => {
    const { epsilon, minProbability, optimize = 'max' } = options;
    if (arms.length < 2) throw new StatsError('empty_arm', 'allocation needs at least two arms');
    const b = bestOf(arms, optimize);
    const floor = Math.max(minProbability, 1e-6);
    const best = arms[b] as BanditArm;
    const others = arms
      .map((a, i) => ({ i, gap: Math.abs(best.mean - a.mean) + epsilon, v: Math.max(a.variance, FLOOR) }))
      .filter(({ i }) => i !== b);
    const vb = Math.max(best.variance, FLOOR);
    const at = (wb: number) => {
      const shares = (y: number) =>
        others.map(({ gap, v }) => {
          const room = (gap * gap) / (2 * y) - vb / wb;
          return room > 0 ? Math.max(floor, v / room) : Number.POSITIVE_INFINITY;
        });
      const total = (y: number) => shares(y).reduce((s, w) => s + w, 0);
      let [low, high] = [0, Math.min(...others.map(({ gap }) => (gap * gap * wb) / (2 * vb)))];
      for (let i = 0; i < 200; i++) {
        const middle = (low + high) / 2;
        if (total(middle) > 1 - wb) high = middle;
        else low = middle;
      }
      return { y: low, shares: shares(low) };
    };
    let [low, high] = [floor, 1 - floor * others.length];
    const golden = (Math.sqrt(5) - 1) / 2;
    for (let i = 0; i < 200; i++) {
      const [x1, x2] = [high - golden * (high - low), low + golden * (high - low)];
      if (at(x1).y < at(x2).y) low = x1;
      else high = x2;
    }
    const wb = (low + high) / 2;
    const { shares } = at(wb);
    const out = new Array<number>(arms.length).fill(0);
    out[b] = wb;
    others.forEach(({ i }, k) => {
      out[i] = shares[k] as number;
    });
    const sum = out.reduce((s, w) => s + w, 0);
    return out.map((w) => w / sum);
  },
);

/**
 * GLR stopping: the best arm wins once min_i (gap_i + ε)² / (2(σ_b²/n_b + σ_i²/n_i)) > ln((1 + ln t)/δ), with
 * enough pulls of every arm.
 */
export const stoppingRule = sound(
  'stoppingRule',
  (
    arms: readonly BanditArm[],
    options: { delta: number; epsilon: number; minPulls: number },
  ): { minGlr: number; threshold: number; winner: number | null } => {
    const b = bestOf(arms, 'max');
    const best = arms[b] as BanditArm;
    const t = arms.reduce((s, a) => s + a.pulls, 0);
    const minGlr = Math.min(
      ...arms.flatMap((a, i) =>
        i === b
          ? []
          : [
              (best.mean - a.mean + options.epsilon) ** 2 /
                (2 * (Math.max(best.variance, FLOOR) / best.pulls + Math.max(a.variance, FLOOR) / a.pulls)),
            ],
      ),
    );
    const threshold = Math.log((1 + Math.log(t)) / options.delta);
    return {
      minGlr,
      threshold,
      winner: minGlr > threshold && arms.every((a) => a.pulls >= options.minPulls) ? b : null,
    };
  },
);

/** P(arm is best) for independent normal posteriors, by Simpson's rule over each arm's ± 10 standard deviations. */
export const bestArmProbabilities = sound(
  'bestArmProbabilities',
  (means: readonly number[], sds: readonly number[]): number[] => {
    const points = 4000;
    return means.map((mean, i) => {
      const sd = sds[i] as number;
      let sum = 0;
      for (let k = 0; k <= points; k++) {
        const z = -10 + (20 * k) / points;
        const x = mean + sd * z;
        let density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
        means.forEach((m, j) => {
          if (j !== i) density *= normalCdf((x - m) / (sds[j] as number));
        });
        sum += density * (k === 0 || k === points ? 1 : k % 2 === 1 ? 4 : 2);
      }
      return (sum * 20) / points / 3;
    });
  },
);

/** Applies a minimum weight for every arm: f + (1 − n f) w; uniform when n f ≥ 1. */
export const withFloor = sound('withFloor', (weights: readonly number[], floor: number): number[] => {
  const f = Math.max(0, floor);
  const n = weights.length;
  return n * f >= 1 ? weights.map(() => 1 / n) : weights.map((w) => f + (1 - n * f) * w);
});
