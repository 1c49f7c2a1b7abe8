import { requireOpenUnit, sound, StatsError } from '../errors.ts';
import { normalQuantile, normalSurvival } from '../kernel/distributions.ts';

export type Share = { successes: number; n: number };
function rate({ successes, n }: Share): number {
  if (!(n > 0) || successes < 0 || successes > n)
    throw new StatsError('not_a_count', `${successes} successes of ${n} units`);
  return successes / n;
}

/** Pooled two-proportion z-test, two-sided. */
export const pooledProportionTest = sound('pooledProportionTest', (a: Share, b: Share): { z: number; p: number } => {
  const pooled = (a.successes + b.successes) / (a.n + b.n);
  const difference = rate(a) - rate(b);
  // Equal shares (such as no event in either arm) have the difference 0.
  const z = difference === 0 ? 0 : difference / Math.sqrt(pooled * (1 - pooled) * (1 / a.n + 1 / b.n));
  return { z, p: 2 * normalSurvival(Math.abs(z)) };
});

/** Wilson 1927. */
export const wilsonInterval = sound('wilsonInterval', (share: Share, alpha: number): [number, number] => {
  requireOpenUnit('alpha', alpha);
  const z2 = normalQuantile(1 - alpha / 2) ** 2;
  const p = rate(share);
  const center = (p + z2 / (2 * share.n)) / (1 + z2 / share.n);
  const half = (Math.sqrt(z2) / (1 + z2 / share.n)) * Math.sqrt((p * (1 - p)) / share.n + z2 / (4 * share.n ** 2));
  return [center - half, center + half];
});

/** Agresti and Coull 1998. */
export const agrestiCoullInterval = sound('agrestiCoullInterval', (share: Share, alpha: number): [number, number] => {
  const z = normalQuantile(1 - alpha / 2);
  const n = share.n + z * z;
  const p = (rate(share) * share.n + (z * z) / 2) / n;
  const half = z * Math.sqrt((p * (1 - p)) / n);
  return [p - half, p + half];
});

/** Newcombe 1998, method 10: difference of two shares from their Wilson intervals. */
export const newcombeInterval = sound(
  'newcombeInterval',
  (treatment: Share, control: Share, alpha: number): [number, number] => {
    const [lt, ut] = wilsonInterval(treatment, alpha);
    const [lc, uc] = wilsonInterval(control, alpha);
    const [pt, pc] = [rate(treatment), rate(control)];
    const d = pt - pc;
    return [d - Math.sqrt((pt - lt) ** 2 + (uc - pc) ** 2), d + Math.sqrt((ut - pt) ** 2 + (pc - lc) ** 2)];
  },
);
