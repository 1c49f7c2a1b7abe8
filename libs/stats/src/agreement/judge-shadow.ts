import { sound } from '../errors.ts';
import { percent } from '../wording/percent.ts';
import { rateBounds } from './rate-bounds.ts';

export type ShadowCounts = {
  /** Requests sampled in this step, and their results so far. */
  sampled: number;
  paired: number;
  failed: number;
  expired: number;
  shed: number;
  /**
   * Requests that were compared: pairs, and failures caused by the candidate. `disagreed…`: those whose answers differ.
   */
  comparedRequests: number;
  disagreedRequests: number;
  /**
   * The trials: the first sampled request of each unit, once it has been compared (the next one when the first ended
   * without a comparison); for requests without a unit, each request. One caller's requests are alike, so counting each
   * of them would overstate the evidence.
   */
  compared: number;
  /** Trials in which the answers differ, or the candidate had none. */
  disagreed: number;
  /** Trials with a noise answer, and those of them in which control disagreed with itself. */
  noise: number;
  noiseDisagreed: number;
  /** Compute time of the shadow in seconds, and its price. */
  computeSeconds: number;
  price: number;
};

export type ShadowInput = {
  alpha: number;
  step: number;
  maxExcess: number;
  /** Share of the sampled requests that control is to answer twice; 0 when the step does not measure noise. */
  noiseShare: number;
  minPairs: number;
  activeSeconds: number;
  dwellSeconds: number;
  counts: ShadowCounts;
};

export type ShadowJudgement = {
  verdict: 'advance' | 'hold' | 'rollBack';
  reasons: string[];
  sentence: string;
  numbers: ShadowCounts & {
    pending: number;
    rate: number | null;
    noise_rate: number | null;
    /** Disagreement in excess of control's own noise: the estimate, and bounds that hold at every look. */
    excess: number | null;
    excess_lower: number;
    excess_upper: number;
    limit: number;
    coverage: number | null;
  };
};

/**
 * When a smaller share of the sampled requests than this could be compared, the comparison may not represent the
 * others.
 */
const MIN_COVERAGE = 0.5;

/**
 * The verdict on a shadow step. Pure. The candidate's disagreement with control and control's disagreement with itself
 * get bounds at α/2 each, valid at every look (`rateBounds`) because each unit is one trial. Their difference bounds
 * the excess.
 *
 * When noise is to be measured, its bounds are 0 and 1 until the first trial was answered twice.
 *
 * - `advance`: the upper bound of the excess is within the limit, pairs and dwell are met, and the disagreement over
 *   all requests, including those after a unit's first, is within the limit as well;
 * - `rollBack`: the lower bound is above the limit; probability ≤ α for a candidate within it, over the whole step;
 * - `hold`: anything else.
 */
export const judgeShadow = sound('judgeShadow', (input: ShadowInput): ShadowJudgement => {
  const { counts: c, maxExcess } = input;
  const d = rateBounds(c.disagreed, c.compared, input.alpha / 2);
  const noise = noiseBounds(input);
  const rate = c.compared > 0 ? c.disagreed / c.compared : null;
  const noiseRate = c.noise > 0 ? c.noiseDisagreed / c.noise : null;
  const pending = Math.max(0, c.sampled - c.paired - c.failed - c.expired - c.shed);
  const answered = c.paired + c.failed + c.expired + c.shed;
  const numbers: ShadowJudgement['numbers'] = {
    ...c,
    pending,
    rate,
    noise_rate: noiseRate,
    excess: rate === null ? null : rate - (noiseRate ?? 0),
    excess_lower: d.lower - noise.upper,
    excess_upper: d.upper - noise.lower,
    limit: maxExcess,
    coverage: answered > 0 ? c.comparedRequests / answered : null,
  };
  const measured = measurement(numbers);
  const cost = costs(c);
  if (c.compared > 0 && numbers.excess_lower > maxExcess)
    return {
      verdict: 'rollBack',
      reasons: ['excess_disagreement'],
      sentence: `Roll back: the candidate ${measured} (${cost}).`,
      numbers,
    };
  const reasons: string[] = [];
  if (c.paired < input.minPairs) reasons.push('insufficient_data:pairs');
  if (input.activeSeconds < input.dwellSeconds) reasons.push('dwell');
  if (numbers.coverage !== null && numbers.coverage < MIN_COVERAGE) reasons.push('low_coverage');
  if (numbers.excess_upper > maxExcess) reasons.push('in_doubt:disagreement');
  if (repeatsExceed(c, noiseRate, maxExcess)) reasons.push('repeats_disagree');
  if (reasons.length === 0)
    return {
      verdict: 'advance',
      reasons: ['within_limit'],
      sentence: `Advance: the candidate ${measured} (${cost}).`,
      numbers,
    };
  const missing = reasons.map((r) => explain(r, input, numbers)).join('; ');
  return {
    verdict: 'hold',
    reasons,
    sentence: `Hold: ${missing} (the candidate ${measured}; ${cost}).`,
    numbers,
  };
});

/**
 * Bounds on how often control differs from itself: 0 to 1 until a trial was answered twice. If so many trials have
 * arrived that one of them should have been, nobody measures the noise (a service that runs both versions itself), and
 * there is no allowance for it.
 */
function noiseBounds({ counts: c, alpha, noiseShare }: ShadowInput): { lower: number; upper: number } {
  if (c.noise > 0 || noiseShare === 0)
    return c.noise > 0 ? rateBounds(c.noiseDisagreed, c.noise, alpha / 2) : { lower: 0, upper: 0 };
  return { lower: 0, upper: (1 - noiseShare) ** c.compared < alpha / 10 ? 0 : 1 };
}

/**
 * A candidate that goes wrong after a unit's first request does so on no trial. This is not a proof, so it only holds.
 */
function repeatsExceed(c: ShadowCounts, noiseRate: number | null, maxExcess: number): boolean {
  return c.comparedRequests > c.compared && c.disagreedRequests / c.comparedRequests - (noiseRate ?? 0) > maxExcess;
}

/** What was measured of the disagreement, and the limit. */
function measurement(n: ShadowJudgement['numbers']): string {
  const noise = n.noise_rate === null ? '' : `, control from itself in ${n.noiseDisagreed} of ${n.noise}`;
  if (n.excess === null) return `has not been compared yet, at most ${percent(n.limit)} disagreement allowed`;
  const repeats =
    n.comparedRequests > n.compared ? ` (the first of each unit; ${n.comparedRequests} requests in all)` : '';
  const bounds = `between ${percent(Math.max(-1, n.excess_lower))} and ${percent(n.excess_upper)}`;
  return (
    `differs in ${n.disagreed} of ${n.compared} answers${repeats}${noise}: ` +
    `excess disagreement ${percent(n.excess)} (${bounds}), at most ${percent(n.limit)} allowed`
  );
}

function costs({ computeSeconds, price, paired }: ShadowCounts): string {
  const paid = price > 0 ? ` and ${price.toPrecision(2)} of price` : '';
  return `${computeSeconds.toFixed(2)} s of compute${paid} for ${paired} pairs`;
}

/** When the same units come again and again, more requests do not narrow the bound. */
function few(n: ShadowJudgement['numbers']): string {
  if (n.comparedRequests <= n.compared) return '';
  return `: more units are needed (${n.compared} so far); more requests from the same units do not help`;
}

function explain(reason: string, input: ShadowInput, n: ShadowJudgement['numbers']): string {
  switch (reason) {
    case 'insufficient_data:pairs': {
      const missing = input.minPairs - n.paired;
      const rate = input.activeSeconds > 0 ? n.paired / input.activeSeconds : 0;
      const left = rate > 0 ? `, about ${Math.ceil(missing / rate)} s at the present rate` : '';
      return `${missing} more pairs are needed${left}`;
    }
    case 'dwell':
      return `the step lasts ${Math.ceil(input.dwellSeconds - input.activeSeconds)} s longer`;
    case 'low_coverage': {
      const others = `${n.expired} expired, ${n.shed} shed, ${n.failed} failed`;
      return `only ${percent(n.coverage ?? 0)} of the sampled requests could be compared (${others})`;
    }
    case 'repeats_disagree':
      return (
        `of all ${n.comparedRequests} compared requests ${n.disagreedRequests} differ, more than allowed, ` +
        'though the first answers to each unit differ less often'
      );
    default:
      return `it is not yet shown that the disagreement is within the limit${few(n)}`;
  }
}
