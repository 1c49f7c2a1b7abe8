import { sound, StatsError } from '../errors.ts';
import type { Arm } from './arm.ts';
import type { Difference } from './two-sample.ts';

export type Stratum = { control: Arm; treatment: Arm };

/**
 * The effect weighted by the pooled shares of the strata. With a_s = (control mean, effect) of stratum s and weights w:
 * estimate Σ w_s a_s, covariance Σ w_s² V_s + A ((diag w − w wᵀ)/n) Aᵀ, because the shares are estimated too. Relative
 * effects by the delta method on it.
 */
export const postStratified = sound(
  'postStratified',
  (strata: readonly Stratum[], difference: Difference): { estimate: number; se: number } => {
    const sizes = strata.map((s) => s.control.n + s.treatment.n);
    const n = sizes.reduce((a, b) => a + b, 0);
    if (n === 0) throw new StatsError('invalid_weights', 'the strata are empty');
    const w = sizes.map((x) => x / n);
    const a = strata.map(({ control, treatment }) => [control.mean, treatment.mean - control.mean] as const);
    const mean: [number, number] = [0, 0];
    const cov = [
      [0, 0],
      [0, 0],
    ];
    strata.forEach(({ control, treatment }, s) => {
      const vc = control.variance / control.n;
      const vt = treatment.variance / treatment.n;
      const own = [
        [vc, -vc],
        [-vc, vc + vt],
      ];
      for (let i = 0; i < 2; i++) {
        mean[i] = (mean[i] as number) + (w[s] as number) * (a[s]?.[i] as number);
        for (let j = 0; j < 2; j++)
          (cov[i] as number[])[j] =
            (cov[i]?.[j] as number) +
            (w[s] as number) ** 2 * (own[i]?.[j] as number) +
            ((w[s] as number) * (a[s]?.[i] as number) * (a[s]?.[j] as number)) / n;
      }
    });
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 2; j++)
        (cov[i] as number[])[j] = (cov[i]?.[j] as number) - ((mean[i] as number) * (mean[j] as number)) / n;
    const [[vcc, vce], [, vee]] = cov as [[number, number], [number, number]];
    const [c, e] = mean;
    if (difference === 'absolute') return { estimate: e, se: Math.sqrt(vee) };
    if (c === 0) throw new StatsError('out_of_range', "a relative effect is undefined when the control's mean is 0");
    const gradient = [-e / (c * Math.abs(c)), 1 / Math.abs(c)] as const;
    return {
      estimate: e / Math.abs(c),
      se: Math.sqrt(gradient[0] ** 2 * vcc + 2 * gradient[0] * gradient[1] * vce + gradient[1] ** 2 * vee),
    };
  },
);
