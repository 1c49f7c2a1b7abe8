import { carriedOr } from '../e-process/carry.ts';
import { type CountCell, CountEvidence, SAMPLE_RATIOS } from '../e-process/counts.ts';
import { sound } from '../errors.ts';
import { type GuardrailNumbers, kindOf } from '../guardrails/kinds.ts';
import type { JudgeInput } from './input.ts';
import type { Judgement } from './judgement.ts';
import { leastFavourable } from './least-favourable.ts';
import { compareFigures, limitState } from './limit.ts';
import { DOUBT, missing } from './missing.ts';
import { describe } from './sentence.ts';
import { stakes } from './stakes.ts';

/** Sample-ratio e-value at which judgement is suspended. */
export const SAMPLE_RATIO_LIMIT = 1000;

/**
 * The verdict of one look, from sufficient statistics of two concurrent arms, stratified by step. What differs between
 * kinds of guardrails is asked of the kind (`guardrails/kind.ts`). Pure.
 *
 * - `rollBack`: the stake-weighted mean of the guardrails' e-values reaches 1/α. By Ville's inequality a candidate that
 * is within its margins is rolled back with probability ≤ α over the whole rollout, at any traffic and any number of
 * looks.
 * - `advance`: the dwell is over, the counts of `until` and the minimum samples are met, and every guardrail's e-value
 * is below 2.
 * - where the policy asks for proof, and for an experiment's goal, `advance` also needs the one-sided confidence
 * sequence to give it (`sequential/proof.ts`);
 * - where the policy names a harm that must not be missed, the last step in which the arms are concurrent also waits
 * until that harm is excluded (`guardrails/harm.ts`): a candidate that does it is promoted with probability ≤ `missed`;
 * - a candidate whose own figures are beyond a declared limit is not promoted: the step after which it has everything
 * waits until they are within it (`limit.ts`);
 * - `hold`: anything else; `reasons` name what is missing. `out_of_service`: the candidate has answered nothing itself
 * for longer than the policy allows. An exposure fault (crossed units, a wrong sample ratio) never lets a candidate
 * advance; it is rolled back only by evidence that the fault cannot explain (`guardrails/exposure.ts`).
 *
 * At a weight of 1 nothing is concurrent: doubt does not hold then, and besides what comes in late of earlier steps
 * only gross failure (half of the requests of a unit fail, on average over ≥ 20 units) rolls back; what the control
 * could not answer either is left out of that, and holds (`outage`) while it is half of all.
 */
export const judge = sound('judge', (input: JudgeInput): Judgement => {
  const { step, guardrails } = input;
  const share = stakes(guardrails);
  const numbers = guardrails.map((g, i) => numbersOf(g, share[i] as number, input));
  const e = numbers.reduce((sum, g) => sum + g.stake * g.e, 0);
  const threshold = 1 / input.alpha;
  const sampleRatioE =
    'valueAt' in input.exposures ? input.exposures.valueAt(input.nowSecond) : sampleRatio(input.exposures, input);

  let verdict: Judgement['verdict'] = 'hold';
  let reasons: string[] = [];
  const fault =
    input.crossedUnits > 0
      ? 'exposure_fault'
      : sampleRatioE >= SAMPLE_RATIO_LIMIT
        ? 'sample_ratio_mismatch'
        : undefined;
  const least = fault ? leastFavourable(input, share) : undefined;
  const parts = numbers.map((g, i) => g.stake * (least ? (least.parts[i] as number) : g.e));
  for (const [i, g] of numbers.entries()) {
    Object.assign(g, compareFigures(g));
    g.limit = limitState(g, (parts[i] as number) >= (least ?? { threshold }).threshold);
  }
  const out = input.outOfService;
  const tooLongOut = out !== undefined && out.seconds > out.limitSeconds;
  if (least ? least.e >= least.threshold : e >= threshold) {
    verdict = 'rollBack';
    const carrying = numbers
      .map((g, i) => ({ metric: g.metric, part: parts[i] as number }))
      .sort((a, b) => b.part - a.part);
    reasons = carrying
      .filter(({ part }) => part >= (least ?? { threshold }).threshold / (2 * numbers.length))
      .map(({ metric }) => `worse:${metric}`);
  } else if (step.weight >= 1 && guardrails.some((g) => kindOf(g).alone?.(g) === 'gross_failure')) {
    verdict = 'rollBack';
    reasons = ['gross_failure'];
  } else if (fault) {
    reasons = tooLongOut ? ['out_of_service', fault] : [fault];
  } else {
    reasons = missing(input, numbers);
    if (tooLongOut) reasons.unshift('out_of_service');
    if (reasons.length === 0) {
      verdict = 'advance';
      const remain = [
        ...numbers.filter((g) => g.role === 'guardrail' && g.e >= DOUBT).map((g) => `doubt_remains:${g.metric}`),
        ...numbers
          .filter((g) => step.weight < 1 && g.limit === 'point estimate breaks it')
          .map((g) => `beyond_limit_so_far:${g.metric}`),
      ];
      reasons = remain.length > 0 ? remain : ['no_guardrail_in_doubt'];
    }
  }
  const result = {
    e,
    threshold,
    sample_ratio_e: sampleRatioE,
    guardrails: numbers,
    step,
    crossed_units: input.crossedUnits,
    ...(least ? { least_favourable: { e: least.e, threshold: least.threshold } } : {}),
    ...(out ? { out_of_service: { seconds: out.seconds, limit_seconds: out.limitSeconds } } : {}),
  };
  return { verdict, reasons, sentence: describe(verdict, reasons, result), numbers: result };
});

function sampleRatio(cells: readonly CountCell[], input: JudgeInput): number {
  const { startSecond, plannedSeconds, nowSecond } = input;
  const none = () => new CountEvidence(1, SAMPLE_RATIOS, startSecond, plannedSeconds);
  return carriedOr(input.exposuresCarry, cells, `${startSecond} ${plannedSeconds}`, none).valueAt(nowSecond);
}

function numbersOf(g: JudgeInput['guardrails'][number], stake: number, input: JudgeInput): GuardrailNumbers {
  const kind = kindOf(g);
  const role = g.role ?? 'guardrail';
  return {
    kind: g.kind,
    metric: g.metric,
    ...kind.evidence(g, input),
    stake,
    role,
    inForce: kind.inForce(g),
    ...(kind.proof && (g.proof || role === 'goal') ? { proof: kind.proof(g, input.alpha) } : {}),
    margin: g.margin,
    limit: 'not excluded',
    compared: [],
    beyond: [],
    ...kind.figures(g),
  } as GuardrailNumbers;
}
