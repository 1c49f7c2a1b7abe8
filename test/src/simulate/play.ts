import {
  CountEvidence,
  type Harm,
  judge,
  type JudgeInput,
  LatencyEvidence,
  latencyShift,
  SAMPLE_RATIOS,
  WORSE_WHEN_FEWER,
  WORSE_WHEN_MORE,
} from '@slipway/stats';
import type { Line, Run } from './stream.ts';

export type Outcome = { verdict: 'promoted' | 'rolledBack' | 'held'; second: number; weights: [number, number][] };

/** Shares of the control's requests between its own p50, p90 and p99. */
const MASSES = [0.5, 0.4, 0.09, 0.01];
const ALPHA = 0.05;

/** The policy of the streams: the smallest harm that must not be missed, and how often it may be. */
const HARM: { errors: Harm; conversions: Harm; latency: number; missed: number } = {
  errors: { ratio: 2, absolute: 0.005 },
  conversions: { ratio: 0.9 },
  latency: 1.1,
  missed: 0.1,
};

/** By latency bucket, from the numbers of requests above each threshold. */
function buckets(line: Line | undefined): number[] {
  if (!line) return [0, 0, 0, 0];
  const { n, over } = line;
  return [n - over.c50, over.c50 - over.c90, over.c90 - over.c99, over.c99];
}
const plus = (a: number[], b: number[]) => a.map((x, i) => x + (b[i] as number));

type Tally = { requests: number; units: number; errors: number; closed: number; conversions: number };
const tally = (): Tally => ({ requests: 0, units: 0, errors: 0, closed: 0, conversions: 0 });

/** A stream's end is not marked: a pause as long as the longest within it may still belong to it. */
function silence(seconds: Run['seconds']): number {
  let longest = 0;
  let before = -1;
  for (let t = 0; t < seconds.length; t++) {
    if (!seconds[t]?.length) continue;
    longest = Math.max(longest, t - before - 1);
    before = t;
  }
  return longest;
}

/**
 * Plays one run through the decision rule in closed loop: the weights that the rule decides on choose which potential
 * outcomes it sees next. The rule looks every second, and sees counts only.
 */
export function play({ meta, seconds, last }: Run): Outcome {
  const { steps, dwell_s: dwell } = meta;
  const planned = steps.length * dwell;
  const errors = new CountEvidence(1, WORSE_WHEN_MORE, 0, planned);
  const conversions = new CountEvidence(1, WORSE_WHEN_FEWER, 0, planned);
  const distribution = new LatencyEvidence(MASSES, 0, planned);
  const tail = new CountEvidence(1, WORSE_WHEN_MORE, 0, planned);
  const ratio = new CountEvidence(1, SAMPLE_RATIOS, 0, planned);
  /** Units and their conversions by the second in which their window is over, with the weight of their exposure. */
  const windows = new Map<
    number,
    { weight: number; step: number; arm: 'control' | 'candidate'; units: number; n: number }[]
  >();
  /** The metric's window: all conversions of a run arrive within it. */
  const window = Math.max(0, ...meta.conv_delays_s);
  let step = 0;
  let since = 0;
  let control = tally();
  let candidate = tally();
  const weights: [number, number][] = [[0, steps[0] as number]];
  const { c50, c90 } = meta.thresholds_ms;
  const shift = c50 && c90 && c90 > c50 ? latencyShift(HARM.latency, c50, c90) : undefined;
  const lastComparison = steps.findLastIndex((w) => w < 1);
  const end = last + 1 + silence(seconds);
  const hasConversions = meta.conv_delays_s.length > 0;

  for (let t = 0; t < end; t++) {
    const weight = steps[step] as number;
    const cell = {
      control: { units: 0, errors: 0, tail: 0, buckets: [0, 0, 0, 0] },
      candidate: { units: 0, errors: 0, tail: 0, buckets: [0, 0, 0, 0] },
    };
    for (const c of seconds[t] ?? []) {
      const arm = c.stratum <= step ? 'candidate' : 'control';
      const line = c[arm];
      if (!line) continue;
      const into = cell[arm];
      into.units += line.units.n;
      into.errors += line.units.err;
      into.tail += line.over.c99;
      into.buckets = plus(into.buckets, buckets(line));
      const sum = arm === 'candidate' ? candidate : control;
      sum.requests += line.n;
      sum.units += line.units.n;
      sum.errors += line.units.err;
      const n = Object.entries(line.conv).reduce((s, [delay, many]) => s + (Number(delay) <= window ? many : 0), 0);
      windows.set(t + window, [...(windows.get(t + window) ?? []), { weight, step, arm, units: line.units.n, n }]);
    }
    ratio.add({ second: t, weight, control: cell.control.units, candidate: cell.candidate.units });
    errors.add({ second: t, weight, control: cell.control.errors, candidate: cell.candidate.errors });
    tail.add({ second: t, weight, control: cell.control.tail, candidate: cell.candidate.tail });
    if (cell.control.units + cell.candidate.units > 0)
      distribution.add({ second: t, weight, control: cell.control.buckets, candidate: cell.candidate.buckets });
    const arrived = windows.get(t);
    if (arrived) {
      windows.delete(t);
      for (const w of new Set(arrived.map((a) => a.weight))) {
        const of = (arm: 'control' | 'candidate') =>
          arrived.filter((a) => a.weight === w && a.arm === arm).reduce((s, a) => s + a.n, 0);
        conversions.add({ second: t, weight: w, control: of('control'), candidate: of('candidate') });
      }
      for (const a of arrived) {
        if (a.step !== step) continue;
        const sum = a.arm === 'candidate' ? candidate : control;
        sum.closed += a.units;
        sum.conversions += a.n;
      }
    }
    const events = (count: (x: Tally) => number) => ({
      control: { units: control.units, events: count(control) },
      candidate: { units: candidate.units, events: count(candidate) },
    });
    const input: JudgeInput = {
      alpha: ALPHA,
      startSecond: 0,
      nowSecond: t,
      plannedSeconds: planned,
      crossedUnits: 0,
      exposures: ratio,
      missed: HARM.missed,
      step: {
        index: step,
        weight,
        activeSeconds: t - since + 1,
        dwellSeconds: dwell,
        until: {},
        lastComparison: step === lastComparison,
        totals: {
          control: { requests: control.requests, units: control.units },
          candidate: { requests: candidate.requests, units: candidate.units },
        },
      },
      guardrails: [
        {
          kind: 'proportion',
          metric: 'error_rate',
          source: 'error',
          direction: 'lower',
          margin: 1,
          harm: HARM.errors,
          cells: errors,
          step: events((x) => x.errors),
        },
        {
          kind: 'quantile',
          metric: 'latency',
          margin: 1,
          masses: MASSES,
          cells: { distribution, tail },
          harm: shift,
          sla: [],
        },
        // Per exposed: a unit counts once its window is over, with or without a conversion.
        ...(hasConversions
          ? [
              {
                kind: 'proportion' as const,
                metric: 'conversion',
                source: 'outcome' as const,
                direction: 'higher' as const,
                margin: 1,
                harm: HARM.conversions,
                cells: conversions,
                step: {
                  control: { units: control.closed, events: control.conversions },
                  candidate: { units: candidate.closed, events: candidate.conversions },
                },
              },
            ]
          : []),
      ],
    };
    const { verdict } = judge(input);
    if (verdict === 'rollBack') {
      weights.push([t, 0]);
      return { verdict: 'rolledBack', second: t, weights };
    }
    if (verdict !== 'advance') continue;
    if (step === steps.length - 1) return { verdict: 'promoted', second: t + 1, weights };
    step++;
    since = t + 1;
    control = tally();
    candidate = tally();
    weights.push([t + 1, steps[step] as number]);
  }
  return { verdict: 'held', second: last + 1, weights };
}
