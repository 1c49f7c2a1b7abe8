import { sound, StatsError } from '../errors.ts';
import type { Arm, RatioSums } from './arm.ts';
import { covarianceOfSums, fromSums, variance as varianceOf } from '../moments/moments.ts';
import { type Difference, type Effect, effectOf } from './two-sample.ts';

/** Sums of one arm's outcome and of the same units' covariate from before the exposure. */
export type CupedSums = {
  n: number;
  /** `proportion` needs no squares: variance p(1 − p), and its covariance with a proportion divides by n. */
  kind: 'mean' | 'proportion';
  post: { sum: number; sumSquares: number };
  pre: { sum: number; sumSquares: number };
  sumProducts: number;
};

type Prepared = { n: number; y: number; x: number; vy: number; vx: number; cov: number };

function prepare(s: CupedSums): Prepared {
  const { n, post, pre, sumProducts } = s;
  if (n < 2) throw new StatsError('empty_arm', `an arm needs at least 2 units, this one has ${n}`);
  const y = post.sum / n;
  const x = pre.sum / n;
  if (s.kind === 'proportion') return { n, y, x, vy: y * (1 - y), vx: x * (1 - x), cov: sumProducts / n - y * x };
  const [vy, vx] = [
    varianceOf(fromSums(n, post.sum, post.sumSquares)),
    varianceOf(fromSums(n, pre.sum, pre.sumSquares)),
  ];
  const cov = covarianceOfSums(n, pre.sum, post.sum, sumProducts);
  if (cov * cov > vy * vx * (1 + 1e-6) + 1e-12)
    throw new StatsError(
      'inconsistent_moments',
      `a covariance of ${cov} is larger than the variances ${vy} and ${vx} allow`,
    );
  return { n, y, x, vy, vx, cov };
}

/**
 * θ = cov(Y, X) / var(X) over the units of both arms together (including the difference between the arms); 0 when the
 * covariate does not vary.
 */
export const cupedTheta = sound('cupedTheta', (control: CupedSums, treatment: CupedSums): number => {
  const add = (a: { sum: number; sumSquares: number }, b: { sum: number; sumSquares: number }) => ({
    sum: a.sum + b.sum,
    sumSquares: a.sumSquares + b.sumSquares,
  });
  const joint = prepare({
    n: control.n + treatment.n,
    kind: control.kind,
    post: add(control.post, treatment.post),
    pre: add(control.pre, treatment.pre),
    sumProducts: control.sumProducts + treatment.sumProducts,
  });
  return joint.vx === 0 || joint.vy === 0 ? 0 : joint.cov / joint.vx;
});

/**
 * The effect after regression adjustment (Deng et al. 2013). Relative effects divide by the control's unadjusted mean;
 * delta method on (Ȳ, X̄).
 */
export const cupedEffect = sound(
  'cupedEffect',
  (control: CupedSums, treatment: CupedSums, difference: Difference): Effect & { theta: number } => {
    const theta = cupedTheta(control, treatment);
    const c = prepare(control);
    const t = prepare(treatment);
    const arm = (a: Prepared): Arm => ({
      n: a.n,
      mean: a.y - theta * a.x,
      variance: a.vy + theta * theta * a.vx - 2 * theta * a.cov,
    });
    const [ac, at] = [arm(c), arm(t)];
    const whole = effectOf(ac, at, 'absolute');
    if (difference === 'absolute') return { ...whole, theta };
    const vt = at.variance / (t.n * c.y * c.y);
    const vc =
      ((c.vy * t.y * t.y) / (c.y * c.y) - (2 * theta * c.cov * t.y) / c.y + theta * theta * c.vx) / (c.n * c.y * c.y);
    return { ...whole, estimate: whole.estimate / Math.abs(c.y), se: Math.sqrt(vt + vc), theta };
  },
);

/** Sums of a ratio after and before the exposure, and all cross products. */
export type CupedRatioSums = {
  n: number;
  post: Omit<RatioSums, 'n'>;
  pre: Omit<RatioSums, 'n'>;
  cross: { mPostMPre: number; dPostDPre: number; mPostDPre: number; mPreDPost: number };
};

type Vec4 = [number, number, number, number];
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((s, x, i) => s + x * (b[i] as number), 0);

function ratioPrepared(s: CupedRatioSums) {
  const { n, post, pre, cross } = s;
  const sums: Vec4 = [post.numerator.sum, post.denominator.sum, pre.numerator.sum, pre.denominator.sum];
  const products = [
    [post.numerator.sumSquares, post.sumProducts, cross.mPostMPre, cross.mPostDPre],
    [post.sumProducts, post.denominator.sumSquares, cross.mPreDPost, cross.dPostDPre],
    [cross.mPostMPre, cross.mPreDPost, pre.numerator.sumSquares, pre.sumProducts],
    [cross.mPostDPre, cross.dPostDPre, pre.sumProducts, pre.denominator.sumSquares],
  ];
  const lambda = products.map((row, i) =>
    row.map((p, j) => (p - ((sums[i] as number) * (sums[j] as number)) / n) / (n - 1)),
  );
  const [m, d, mp, dp] = sums.map((x) => x / n) as Vec4;
  const form = (g: readonly number[], h: readonly number[]) =>
    dot(
      g,
      lambda.map((row) => dot(row, h)),
    );
  const gPost = [1 / d, -m / (d * d), 0, 0];
  const gPre = [0, 0, 1 / dp, -mp / (dp * dp)];
  return { n, rPost: m / d, rPre: mp / dp, gPost, gPre, form };
}

/**
 * CUPED of a ratio: θ = Σ cov(R_post, R_pre) / Σ var(R_pre) over the arms, each arm with the same weight whatever its
 * size, as GrowthBook takes it; all by the 4 × 4 covariance of the sums (delta method).
 */
export const cupedRatioEffect = sound(
  'cupedRatioEffect',
  (control: CupedRatioSums, treatment: CupedRatioSums, difference: Difference): Effect & { theta: number } => {
    const [c, t] = [ratioPrepared(control), ratioPrepared(treatment)];
    const preVariance = c.form(c.gPre, c.gPre) + t.form(t.gPre, t.gPre);
    const theta = preVariance === 0 ? 0 : (c.form(c.gPost, c.gPre) + t.form(t.gPost, t.gPre)) / preVariance;
    const arm = (a: typeof c): Arm => {
      const g = a.gPost.map((x, i) => x - theta * (a.gPre[i] as number));
      return { n: a.n, mean: a.rPost - theta * a.rPre, variance: a.form(g, g) };
    };
    const [ac, at] = [arm(c), arm(t)];
    const whole = effectOf(ac, at, 'absolute');
    if (difference === 'absolute') return { ...whole, theta };
    // The control is in the numerator (adjusted) and in the denominator (not adjusted).
    const gc = c.gPost.map((x, i) => x * (1 + whole.estimate / c.rPost) - theta * (c.gPre[i] as number));
    const vc = c.form(gc, gc) / c.n;
    return {
      ...whole,
      estimate: whole.estimate / Math.abs(c.rPost),
      se: Math.sqrt((at.variance / at.n + vc) / c.rPost ** 2),
      theta,
    };
  },
);
