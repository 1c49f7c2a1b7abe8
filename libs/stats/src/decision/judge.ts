import { sound } from '../errors.ts';
import {
  type CountCell,
  CountEvidence,
  countEvidence,
  SAMPLE_RATIOS,
  WORSE_WHEN_FEWER,
  WORSE_WHEN_MORE,
} from '../e-process/counts.ts';
import { type LatencyCell, LatencyEvidence } from '../e-process/latency.ts';
import type { RunningEvidence } from '../e-process/mixture.ts';
import { type Proof, proveRatio } from '../sequential/proof.ts';
import { leastFavourableEvidence, shareBounds } from './exposure.ts';
import { countDecay, type Exclusion, exclusion, type Harm, harmRatio, MISSED, rareEnough } from './harm.ts';
import { describe } from './sentence.ts';

export type ArmTotals = { requests: number; units: number };

/**
 * `guardrail` must not get worse; `goal` must be shown to be better before an experiment may end; `watch` is told and
 * decides nothing.
 */
export type Role = 'guardrail' | 'goal' | 'watch';

export type EventGuardrail = {
  kind: 'events';
  role?: Role | undefined;
  /** The policy asks for proof that the margin is kept before the candidate may widen. */
  proof?: boolean | undefined;
  metric: string;
  source: 'error' | 'outcome';
  /** `lower`: an event is bad. `higher`: an event is good (a conversion). */
  direction: 'lower' | 'higher';
  /** Candidate over control that is still acceptable. */
  margin: number;
  /** All steps, ordered by second; each unit counted once per step. Or the evidence of that, carried on. */
  cells: readonly CountCell[] | CountEvidence;
  /** The smallest harm that must be excluded before the last comparison ends. */
  harm?: Harm | undefined;
  /** In the present step: units observed for this metric, and events among them. */
  step: { control: { units: number; events: number }; candidate: { units: number; events: number } };
};

/** Answers of one arm, and their quantiles, microseconds. */
export type LatencyQuantiles = { answers: number; p50: number; p90: number; p99: number };

export type LatencyGuardrail = {
  kind: 'latency';
  metric: string;
  margin: number;
  /** The control's bucket shares; `null` while it has too few answers to cut buckets: nothing advances then. */
  masses: readonly number[] | null;
  /** How many answers of the control there are to cut buckets by, and how many it takes. */
  baseline?: { answers: number; needed: number } | undefined;
  /** What both arms show in the present step. */
  quantiles?: { control: LatencyQuantiles | null; candidate: LatencyQuantiles | null } | undefined;
  cells: readonly LatencyCell[] | { distribution: LatencyEvidence; tail: RunningEvidence };
  /**
   * The slow-down that must be excluded before the last comparison ends, in normal scores (`latencyShift`); `null`
   * where there is nothing to measure it by.
   */
  harm?: number | null | undefined;
  /** Quantiles of the candidate in the present step with their limits, microseconds. */
  sla: { quantile: string; limitUs: number; actualUs: number | null }[];
};

export type JudgeInput = {
  /** This analyser's share of the rollout's α. */
  alpha: number;
  startSecond: number;
  nowSecond: number;
  /** Planned length of the rollout, seconds. */
  plannedSeconds: number;
  step: {
    index: number;
    weight: number;
    /** How long the step has been active, and how long it must be. */
    activeSeconds: number;
    dwellSeconds: number;
    until: { requests?: number | undefined; units?: number | undefined };
    /** After this step nothing is concurrent any more: what has not been seen by then will not be. */
    lastComparison?: boolean | undefined;
    totals: { control: ArmTotals; candidate: ArmTotals };
  };
  guardrails: (EventGuardrail | LatencyGuardrail)[];
  /** First exposures of units per step, ordered by second: the sample-ratio test. */
  exposures: readonly CountCell[] | RunningEvidence;
  /** Units that were given to both arms at shares that do not allow it; they are in no other count. */
  crossedUnits: number;
  /**
   * For how long each request of the candidate was ejected (but for those that probe), and how long it may be; seconds.
   */
  outOfService?: { seconds: number; limitSeconds: number } | undefined;
  /** Largest probability of promoting a candidate that does a harm which the policy names. */
  missed?: number | undefined;
};

export type GuardrailNumbers = {
  metric: string;
  e: number;
  /** Share of the stake, summing to 1 over the guardrails in force. */
  stake: number;
  inForce: boolean;
  role: Role;
  /** Where proof is asked for: how far it is. */
  proof?: Proof;
  /** Where a harm is named: whether it is excluded. */
  harm?: Exclusion;
  candidate?: { units: number; events: number; rate: number | null };
  control?: { units: number; events: number; rate: number | null };
  margin: number;
  direction?: 'lower' | 'higher';
  /** Of latency: what both arms show in the present step. */
  quantiles?: { control: LatencyQuantiles | null; candidate: LatencyQuantiles | null };
  /** Of latency, while there is none: how many answers of the control there are, and how many it takes. */
  baseline?: { answers: number; needed: number };
  /** Where the candidate's own figure stands to its limit. */
  limit: LimitState;
};

/**
 * `proven broken`: the evidence alone rolls back. `proven kept`: shown by the confidence sequence, or its harm is
 * excluded. `point estimate breaks it`: the candidate's figure of this step is beyond it, which is no proof.
 */
export type LimitState = 'proven kept' | 'not excluded' | 'point estimate breaks it' | 'proven broken';

export type Judgement = {
  verdict: 'advance' | 'hold' | 'rollBack';
  reasons: string[];
  sentence: string;
  numbers: {
    e: number;
    threshold: number;
    sample_ratio_e: number;
    guardrails: GuardrailNumbers[];
    step: JudgeInput['step'];
    crossed_units: number;
    /** With an exposure fault: the evidence at the least favourable shares that the units still allow, and its threshold. */
    least_favourable?: { e: number; threshold: number };
    /** Where the candidate is out of service. */
    out_of_service?: { seconds: number; limit_seconds: number };
  };
};

/** Fewest candidate requests in a step before it may widen, and fewest observed units per outcome guardrail. */
export const MIN_REQUESTS = 20;
/** A guardrail with an e-value of this or more is in doubt: the rollout stays as small as it is. */
export const DOUBT = 2;
/** Sample-ratio e-value at which judgement is suspended. */
export const SAMPLE_RATIO_LIMIT = 1000;

/** Errors ⅓, latency ⅙, latency's p99 ⅙, outcomes ⅓ together; renormalised over those in force. */
function stakes(guardrails: JudgeInput['guardrails']): number[] {
  const guards = (g: JudgeInput['guardrails'][number]) =>
    g.kind === 'latency' || (g.role ?? 'guardrail') === 'guardrail';
  const outcomes = guardrails.filter((g) => g.kind === 'events' && g.source === 'outcome' && guards(g)).length;
  const raw = guardrails.map((g) =>
    !guards(g) ? 0 : g.kind === 'latency' ? (g.masses ? 1 / 3 : 0) : g.source === 'error' ? 1 / 3 : 1 / 3 / outcomes,
  );
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((x) => (sum > 0 ? x / sum : 0));
}

type Running = { e: number; harm?: Exclusion };

/** A guardrail's e-value, and how far its harm is from being excluded. */
function evidenceOf(g: EventGuardrail | LatencyGuardrail, input: JudgeInput): Running {
  const { startSecond, plannedSeconds, nowSecond, step, missed = MISSED } = input;
  const counts = (cells: readonly CountCell[], margin: number, ratios: readonly number[]) => {
    const evidence = new CountEvidence(margin, ratios, startSecond, plannedSeconds);
    for (const cell of cells) evidence.add(cell);
    return evidence;
  };
  const perSecond = (events: number) => events / Math.max(1, step.activeSeconds);
  if (g.kind === 'events') {
    const evidence =
      g.cells instanceof CountEvidence
        ? g.cells
        : counts(g.cells, g.margin, g.direction === 'lower' ? WORSE_WHEN_MORE : WORSE_WHEN_FEWER);
    const e = evidence.valueAt(nowSecond);
    if (!g.harm) return { e };
    const { control, candidate } = g.step;
    const ratio = harmRatio(g.harm, control, g.direction);
    const harm =
      ratio === undefined
        ? { harm: null, e: null, excluded: false, seconds: null }
        : exclusion(
            ratio,
            evidence.likelihoodRatio(ratio),
            missed,
            countDecay(ratio, step.weight),
            perSecond(control.events + candidate.events),
          );
    return {
      e,
      harm: {
        ...harm,
        excluded: harm.excluded || (g.direction === 'lower' && rareEnough(candidate, g.harm.absolute, missed)),
      },
    };
  }
  const { masses, cells } = g;
  const unknown: Exclusion = { harm: null, e: null, excluded: false, seconds: null };
  if (!masses) return { e: 1, ...(g.harm === undefined ? {} : { harm: unknown }) };
  let distribution: LatencyEvidence;
  let tail: RunningEvidence;
  if ('distribution' in cells) ({ distribution, tail } = cells);
  else {
    distribution = new LatencyEvidence(masses, startSecond, plannedSeconds);
    for (const cell of cells) distribution.add(cell);
    const last = masses.length - 1;
    tail = counts(
      cells.map((c) => ({
        second: c.second,
        weight: c.weight,
        control: c.control[last] as number,
        candidate: c.candidate[last] as number,
      })),
      1,
      WORSE_WHEN_MORE,
    );
  }
  const e = (distribution.valueAt(nowSecond) + tail.valueAt(nowSecond)) / 2;
  if (g.harm === undefined) return { e };
  if (g.harm === null) return { e, harm: unknown };
  return {
    e,
    harm: exclusion(
      g.harm,
      distribution.likelihoodRatio(g.harm),
      missed,
      distribution.decay(g.harm, step.weight),
      perSecond(step.totals.control.requests + step.totals.candidate.requests),
    ),
  };
}

/**
 * The verdict of one look, from sufficient statistics of two concurrent arms, stratified by step. Pure.
 *
 * - `rollBack`: the stake-weighted mean of the guardrails' e-values reaches 1/α. By Ville's inequality a candidate that
 * is within its margins
 *   is rolled back with probability ≤ α over the whole rollout, at any traffic and any number of looks.
 * - `advance`: the dwell is over, the counts of `until` and the minimum samples are met, and every guardrail's e-value
 * is below 2.
 * - where the policy asks for proof, and for an experiment's goal, `advance` also needs the one-sided confidence
 * sequence to give it (`proof.ts`);
 * - where the policy names a harm that must not be missed, the last step in which the arms are concurrent also waits
 * until that harm is excluded (`harm.ts`): a candidate that does it is promoted with
 *   probability ≤ `missed`;
 * - `hold`: anything else; `reasons` name what is missing. `out_of_service`: the candidate has answered nothing itself for
 * longer than the policy allows. An exposure fault (crossed units, a wrong sample ratio) never lets a candidate advance;
 * it is rolled back only by evidence that the fault cannot explain (`exposure.ts`).
 *
 * At a weight of 1 nothing is concurrent: doubt does not hold then, and besides what comes in late of earlier steps
 * only gross failure (≥ 50 % errors over ≥ 20 units) rolls back.
 */
export const judge = sound('judge', (input: JudgeInput): Judgement => {
  const { step, guardrails } = input;
  const share = stakes(guardrails);
  const numbers: GuardrailNumbers[] = guardrails.map((g, i) => ({
    metric: g.metric,
    ...evidenceOf(g, input),
    stake: share[i] as number,
    role: (g.kind === 'events' ? g.role : undefined) ?? 'guardrail',
    inForce: g.kind === 'events' || g.masses !== null,
    ...(g.kind === 'events' && (g.proof || g.role === 'goal') ? { proof: proofOf(g, input.alpha) } : {}),
    margin: g.margin,
    limit: 'not excluded',
    ...(g.kind === 'events'
      ? { candidate: rated(g.step.candidate), control: rated(g.step.control), direction: g.direction }
      : {
          ...(g.quantiles ? { quantiles: g.quantiles } : {}),
          ...(g.masses === null && g.baseline ? { baseline: g.baseline } : {}),
        }),
  }));
  for (const g of numbers) g.limit = limitState(g, 1 / input.alpha);
  const e = numbers.reduce((sum, g) => sum + g.stake * g.e, 0);
  const threshold = 1 / input.alpha;
  const sampleRatioE =
    'valueAt' in input.exposures
      ? input.exposures.valueAt(input.nowSecond)
      : countEvidence(input.exposures, 1, SAMPLE_RATIOS, input.startSecond, input.plannedSeconds, input.nowSecond);

  let verdict: Judgement['verdict'] = 'hold';
  let reasons: string[] = [];
  const fault =
    input.crossedUnits > 0
      ? 'exposure_fault'
      : sampleRatioE >= SAMPLE_RATIO_LIMIT
        ? 'sample_ratio_mismatch'
        : undefined;
  const least = fault ? leastFavourable(input, share) : undefined;
  const out = input.outOfService;
  const tooLongOut = out !== undefined && out.seconds > out.limitSeconds;
  if (least ? least.e >= least.threshold : e >= threshold) {
    verdict = 'rollBack';
    const carrying = numbers
      .map((g, i) => ({ metric: g.metric, part: g.stake * (least ? (least.parts[i] as number) : g.e) }))
      .sort((a, b) => b.part - a.part);
    reasons = carrying
      .filter(({ part }) => part >= (least ?? { threshold }).threshold / (2 * numbers.length))
      .map(({ metric }) => `worse:${metric}`);
  } else if (step.weight >= 1 && grossFailure(guardrails)) {
    verdict = 'rollBack';
    reasons = ['gross_failure'];
  } else if (fault) {
    reasons = tooLongOut ? ['out_of_service', fault] : [fault];
  } else {
    reasons = missing(input, numbers);
    if (tooLongOut) reasons.unshift('out_of_service');
    if (reasons.length === 0) {
      verdict = 'advance';
      const doubted = numbers
        .filter((g) => g.role === 'guardrail' && g.e >= DOUBT)
        .map((g) => `doubt_remains:${g.metric}`);
      reasons = doubted.length > 0 ? doubted : ['no_guardrail_in_doubt'];
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

/**
 * With an exposure fault: each guardrail's evidence at the least favourable shares; half of α pays for their bounds, half
 * for the evidence. Latency is worth 1 then (no share is the worst for all of its buckets), as is evidence that was
 * carried on and can't be counted anew.
 */
function leastFavourable(
  input: JudgeInput,
  stake: readonly number[],
): { e: number; threshold: number; parts: number[] } {
  const threshold = 2 / input.alpha;
  if ('valueAt' in input.exposures) return { e: 1, threshold, parts: stake.map(() => 1) };
  const bounds = shareBounds(input.exposures, input.alpha / 2);
  const parts = input.guardrails.map((g) =>
    g.kind === 'latency' || g.cells instanceof CountEvidence
      ? 1
      : leastFavourableEvidence(
          g.cells,
          g.margin,
          g.direction === 'lower' ? WORSE_WHEN_MORE : WORSE_WHEN_FEWER,
          input,
          bounds,
        ),
  );
  return { e: parts.reduce((sum, x, i) => sum + x * (stake[i] as number), 0), threshold, parts };
}

/** A goal has to be better than the control, a guardrail no worse than its margin. */
function proofOf(g: EventGuardrail, alpha: number): Proof {
  return proveRatio(
    g.step.control,
    g.step.candidate,
    g.role === 'goal' ? 1 : g.margin,
    g.direction === 'lower' ? 'below' : 'above',
    alpha,
  );
}

/** Where a guardrail's figures of the present step stand to its limit. */
function limitState(g: GuardrailNumbers, threshold: number): LimitState {
  if (g.e >= threshold) return 'proven broken';
  // A harm that is excluded is no proof of the margin, unless it is no greater.
  if (g.proof?.state === 'proved') return 'proven kept';
  if (g.harm?.excluded && g.direction === 'lower' && (g.harm.harm ?? Infinity) <= g.margin) return 'proven kept';
  return breaksLimit(g) ? 'point estimate breaks it' : 'not excluded';
}

/** Fewest events, over both arms, and answers of each from which a figure is worth comparing with a limit. */
const POINT_EVENTS = 20;
const POINT_ANSWERS = 100;

/** Whether the candidate's own figure of the present step is beyond its limit, on enough data to be told. */
function breaksLimit(g: GuardrailNumbers): boolean {
  if (g.role !== 'guardrail') return false;
  if (g.quantiles) {
    const { control, candidate } = g.quantiles;
    if (!control || !candidate || Math.min(control.answers, candidate.answers) < POINT_ANSWERS) return false;
    return candidate.p50 > g.margin * control.p50;
  }
  const { control, candidate } = g;
  if (!control?.rate || candidate?.rate === null || candidate?.rate === undefined) return false;
  if (control.events + candidate.events < POINT_EVENTS || g.margin === 1) return false;
  return g.direction === 'higher' ? candidate.rate < g.margin * control.rate : candidate.rate > g.margin * control.rate;
}

function rated(x: { units: number; events: number }) {
  return { ...x, rate: x.units > 0 ? x.events / x.units : null };
}

function grossFailure(guardrails: JudgeInput['guardrails']): boolean {
  return guardrails.some(
    (g) =>
      g.kind === 'events' &&
      g.source === 'error' &&
      g.step.candidate.units >= MIN_REQUESTS &&
      g.step.candidate.events >= 0.5 * g.step.candidate.units,
  );
}

function missing({ step, guardrails }: JudgeInput, numbers: GuardrailNumbers[]): string[] {
  const out: string[] = [];
  // Where the candidate has everything, doubt can neither be resolved nor keep it small; what still comes in late can
  // roll it back.
  if (step.weight < 1)
    for (const g of numbers) if (g.role === 'guardrail' && g.e >= DOUBT) out.push(`in_doubt:${g.metric}`);
  for (const g of numbers)
    if (g.proof && g.proof.state !== 'proved')
      out.push(`${g.role === 'goal' ? 'goal_open' : 'not_proved'}:${g.metric}`);
  if (step.lastComparison)
    for (const g of numbers)
      if (g.role === 'guardrail' && g.harm && !g.harm.excluded) out.push(`harm_open:${g.metric}`);
  // A limit that the figures break is not promoted on the ground that chance may have broken it. Where nothing is
  // concurrent any more, more of the same cannot tell.
  for (const g of numbers)
    if (step.weight < 1 && g.limit === 'point estimate breaks it' && !out.includes(`in_doubt:${g.metric}`))
      out.push(`limit_broken:${g.metric}`);
  for (const g of guardrails) {
    if (g.kind === 'latency' && g.masses === null && step.weight < 1) out.push(`no_baseline:${g.metric}`);
    if (g.kind === 'latency')
      for (const s of g.sla)
        if (s.actualUs !== null && s.actualUs > s.limitUs) out.push(`sla_exceeded:${g.metric}.${s.quantile}`);
    if (g.kind === 'events' && g.role !== 'watch' && g.source === 'outcome' && g.step.candidate.units < MIN_REQUESTS)
      out.push(`insufficient_data:${g.metric}`);
  }
  if (step.totals.candidate.requests < Math.max(MIN_REQUESTS, step.until.requests ?? 0))
    out.push('insufficient_data:requests');
  if (step.totals.candidate.units < (step.until.units ?? 0)) out.push('insufficient_data:units');
  if (step.activeSeconds < step.dwellSeconds) out.push('dwell');
  return out;
}
