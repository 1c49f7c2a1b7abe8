import {
  type Alternative,
  type Arm,
  bisectedSequenceP,
  confidenceSequence,
  cupedEffect,
  cupedRatioEffect,
  type CupedRatioSums,
  type CupedSums,
  type Difference,
  type Effect,
  effectOf,
  gaussianPosterior,
  meanArmFromSums,
  proportionArm,
  quantileArm,
  ratioArm,
  welchTest,
} from '@slipway/stats';

/** What a vector holds; its fields are as its source names them. */
// biome-ignore lint/suspicious/noExplicitAny: vectors come in as many shapes as they have sources
export type Input = Record<string, any>;

const sums = (s: Input) => ({ sum: s['sum'] as number, sumSquares: (s['sum_squares'] ?? s['sum']) as number });

export function armOf(s: Input): Arm {
  switch (s['type']) {
    case 'SampleMeanStatistic':
      return meanArmFromSums(s['n'], s['sum'], s['sum_squares']);
    case 'ProportionStatistic':
      return proportionArm(s['n'], s['sum']);
    case 'RatioStatistic':
      return ratioArm({
        n: s['n'],
        numerator: sums(s['m_statistic']),
        denominator: sums(s['d_statistic']),
        sumProducts: s['m_d_sum_of_products'],
      });
    case 'QuantileStatistic':
      return quantileArm({
        n: s['n'],
        nStar: s['n_star'],
        nu: s['nu'],
        estimate: s['quantile_hat'],
        lower: s['quantile_lower'],
        upper: s['quantile_upper'],
      });
    case 'QuantileClusteredStatistic':
      return quantileArm(
        {
          n: s['n'],
          nStar: s['n_star'],
          nu: s['nu'],
          estimate: s['quantile_hat'],
          lower: s['quantile_lower'],
          upper: s['quantile_upper'],
        },
        {
          clusters: s['n_clusters'],
          main: { sum: s['main_sum'], sumSquares: s['main_sum_squares'] },
          denominator: { sum: s['denominator_sum'], sumSquares: s['denominator_sum_squares'] },
          sumProducts: s['main_denominator_sum_product'],
        },
      );
    default:
      throw new Error(`no arm is made of a ${s['type']}`);
  }
}

function cupedSums(s: Input): CupedSums {
  const kind = s['post_statistic'].sum_squares === undefined ? 'proportion' : 'mean';
  return {
    n: s['n'],
    kind,
    post: sums(s['post_statistic']),
    pre: sums(s['pre_statistic']),
    sumProducts: s['post_pre_sum_of_products'],
  };
}
function cupedRatioSums(s: Input): CupedRatioSums {
  return {
    n: s['n'],
    post: {
      numerator: sums(s['m_statistic_post']),
      denominator: sums(s['d_statistic_post']),
      sumProducts: s['m_post_d_post_sum_of_products'],
    },
    pre: {
      numerator: sums(s['m_statistic_pre']),
      denominator: sums(s['d_statistic_pre']),
      sumProducts: s['m_pre_d_pre_sum_of_products'],
    },
    cross: {
      mPostMPre: s['m_post_m_pre_sum_of_products'],
      dPostDPre: s['d_post_d_pre_sum_of_products'],
      mPostDPre: s['m_post_d_pre_sum_of_products'],
      mPreDPost: s['m_pre_d_post_sum_of_products'],
    },
  };
}

export function effectFrom(i: Input): Effect & { theta?: number } {
  const difference = (i['difference'] ?? 'relative') as Difference;
  switch (i['control'].type) {
    case 'RegressionAdjustedStatistic':
      return cupedEffect(cupedSums(i['control']), cupedSums(i['treatment']), difference);
    case 'RegressionAdjustedRatioStatistic':
      return cupedRatioEffect(cupedRatioSums(i['control']), cupedRatioSums(i['treatment']), difference);
    default:
      return effectOf(armOf(i['control']), armOf(i['treatment']), difference);
  }
}

const alternativeOf = (i: Input): Alternative =>
  ({ greater: 'greater' as const, lesser: 'less' as const })[i['alternative'] as string] ?? 'two-sided';

/** Any pair of arms: fixed horizon, or a confidence sequence where the vector names its tuning. */
export function testOf(i: Input) {
  const effect = effectFrom(i);
  const alpha = (i['alpha'] ?? 0.05) as number;
  const result =
    i['tuning'] === undefined
      ? welchTest(effect, alpha, alternativeOf(i))
      : confidenceSequence(effect, alpha, i['tuning'], alternativeOf(i));
  // Its p is printed as the reference's bisection leaves it; ours is the exact dual of the interval.
  if (i['tuning'] !== undefined && alternativeOf(i) !== 'two-sided')
    result.pValue = bisectedSequenceP(effect, alpha, i['tuning'], alternativeOf(i) as 'greater' | 'less');
  return { ...result, ...(effect.theta === undefined ? {} : { theta: effect.theta }) };
}

export function bayesOf(i: Input) {
  const { estimate, se } = effectFrom(i);
  const prior = i['prior'].proper
    ? { mean: i['prior'].mean as number, variance: i['prior'].variance as number }
    : undefined;
  const p = gaussianPosterior(estimate, se, { prior, lowerIsBetter: i['inverse'] === true, alpha: i['alpha'] });
  return {
    chanceToWin: p.chanceToWin,
    expected: p.expected,
    ci: p.ci,
    postSd: p.sd,
    risk: p.risk,
    varianceControl: armOf(i['control']).variance,
  };
}
