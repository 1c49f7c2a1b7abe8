import { sound, StatsError } from '../errors.ts';
import { betaCdf } from '../kernel/distributions.ts';
import { lnBeta } from '../kernel/gamma.ts';

export type Successes = { successes: number; n: number };

/** Gauss–Legendre nodes and weights on [−1, 1], by Newton steps on the Legendre polynomial. */
function gaussLegendre(n: number): { x: number; w: number }[] {
  return Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let derivative = 1;
    for (let k = 0; k < 100; k++) {
      let [a, b] = [1, x];
      for (let j = 2; j <= n; j++) [a, b] = [b, ((2 * j - 1) * x * b - (j - 1) * a) / j];
      derivative = (n * (a - x * b)) / (1 - x * x);
      const step = b / derivative;
      x -= step;
      if (Math.abs(step) < 1e-16) break;
    }
    return { x, w: 2 / ((1 - x * x) * derivative * derivative) };
  });
}
const NODES = gaussLegendre(64);
/** Boundaries of the quadrature panels, in posterior standard deviations; a skewed posterior has mass far beyond 12. */
const PANELS = [-12, -9, -6, -3, 0, 3, 6, 9, 12, 20, 40, 80, 160].flatMap((z) => (z > 12 ? [-z, z] : [z]));

/**
 * Exact probability that the treatment's rate is higher, and the expected loss of choosing it, for small counts: Beta
 * posteriors, one integrated by Gauss–Legendre quadrature in panels over [0, 1].
 */
export const betaBinomial = sound(
  'betaBinomial',
  (
    control: Successes,
    treatment: Successes,
    prior: { alpha: number; beta: number } = { alpha: 1, beta: 1 },
  ): { pTreatmentBetter: number; expectedLossTreatment: number } => {
    for (const s of [control, treatment])
      if (!(s.successes >= 0 && s.successes <= s.n))
        throw new StatsError('not_a_count', `${s.successes} successes of ${s.n} units`);
    const [ac, bc] = [prior.alpha + control.successes, prior.beta + control.n - control.successes];
    const [at, bt] = [prior.alpha + treatment.successes, prior.beta + treatment.n - treatment.successes];
    const density = (x: number, a: number, b: number) =>
      Math.exp((a - 1) * Math.log(x) + (b - 1) * Math.log1p(-x) - lnBeta(a, b));
    const integral = (f: (x: number) => number, a: number, b: number) => {
      const mean = a / (a + b);
      const sd = Math.sqrt((a * b) / ((a + b) ** 2 * (a + b + 1)));
      const edges = [...new Set(PANELS.map((z) => Math.min(1, Math.max(0, mean + z * sd))).concat(0, 1))].sort(
        (x, y) => x - y,
      );
      let sum = 0;
      for (const [k, h] of edges.slice(1).entries()) {
        const l = edges[k] as number;
        for (const { x, w } of NODES) {
          const at_ = (l + h) / 2 + ((h - l) / 2) * x;
          if (at_ > 0 && at_ < 1) sum += ((h - l) / 2) * w * f(at_) * density(at_, a, b);
        }
      }
      return sum;
    };
    const better = integral((x) => betaCdf(x, ac, bc), at, bt);
    // E[max(p_C − p_T, 0)] = E[p_C; p_C > p_T] − E[p_T; p_C > p_T]
    const loss =
      integral((x) => x * betaCdf(x, at, bt), ac, bc) - integral((x) => x * (1 - betaCdf(x, ac, bc)), at, bt);
    return { pTreatmentBetter: better, expectedLossTreatment: loss };
  },
);
