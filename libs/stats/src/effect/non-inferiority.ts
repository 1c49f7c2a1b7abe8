import { requireOpenUnit, sound } from '../errors.ts';
import { normalQuantile, normalSurvival } from '../kernel/distributions.ts';
import { type Arm, requireArm } from './arm.ts';

/**
 * Whether the treatment is not worse than the control by more than a margin, at a fixed horizon. H₀: μ_T − μ_C ≤ −m
 * where an increase is preferred (its mirror where a decrease is). A relative margin m·|μ_C| moves with the control's
 * own estimate: it is tested as μ_T − (1 − m) μ_C with the variance v_T + (1 − m)² v_C, which is consistent.
 *
 * @returns z and one-sided p against H₀, and the one-sided confidence bound of the difference
 */
export const nonInferiority = sound(
  'nonInferiority',
  (
    control: Arm,
    treatment: Arm,
    margin: number,
    options: { kind: 'absolute' | 'relative'; prefer: 'increase' | 'decrease'; alpha: number },
  ): { z: number; p: number; bound: number } => {
    requireOpenUnit('alpha', options.alpha);
    requireArm(control);
    requireArm(treatment);
    const sign = options.prefer === 'increase' ? 1 : -1;
    const vc = control.variance / control.n;
    const vt = treatment.variance / treatment.n;
    const scale = options.kind === 'relative' ? 1 - sign * margin * Math.sign(control.mean) : 1;
    const shift = options.kind === 'absolute' ? margin : 0;
    const se = Math.sqrt(vt + scale * scale * vc);
    const z = (sign * (treatment.mean - scale * control.mean) + shift) / se;
    const difference = treatment.mean - control.mean;
    return {
      z,
      p: normalSurvival(z),
      bound: difference - sign * normalQuantile(1 - options.alpha) * Math.sqrt(vt + vc),
    };
  },
);
