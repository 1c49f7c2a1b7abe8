import {
  type CountCell,
  CountEvidence,
  judge,
  type JudgeInput,
  type LatencyCell,
  LatencyEvidence,
  SAMPLE_RATIOS,
  WORSE_WHEN_FEWER,
  WORSE_WHEN_MORE,
} from '@slipway/stats';
import { median } from './load.ts';

const MASSES = [0.5, 0.4, 0.09, 0.01];
const SECONDS = 1800;
const weightAt = (second: number) => [0.05, 0.25, 0.5][Math.floor(second / 600)] as number;
/** Half an hour at 2,000 requests a minute, without chance: only the time matters here. */
const cells = (perSecond: number): CountCell[] =>
  Array.from({ length: SECONDS }, (_, second) => ({
    second,
    weight: weightAt(second),
    control: Math.round(perSecond * (1 - weightAt(second))),
    candidate: Math.round(perSecond * weightAt(second)),
  }));
const latencies = (): LatencyCell[] =>
  Array.from({ length: SECONDS }, (_, second) => ({
    second,
    weight: weightAt(second),
    control: MASSES.map((m) => Math.round(33 * m * (1 - weightAt(second)))),
    candidate: MASSES.map((m) => Math.round(33 * m * weightAt(second))),
  }));

const totals = { requests: 10_000, units: 10_000 };
const step = { control: { units: 10_000, events: 100 }, candidate: { units: 10_000, events: 100 } };
const counted = (list: CountCell[], ratios: readonly number[]): CountEvidence => {
  const evidence = new CountEvidence(1, ratios, 0, 2400);
  for (const cell of list) evidence.add(cell);
  return evidence;
};

/**
 * Microseconds of one verdict on errors, latency and an outcome: from running statistics, and from the counts of half
 * an hour.
 */
export function timeVerdicts(): { ready: number; fromCounts: number } {
  const [errors, outcomes, units, requests] = [cells(3), cells(4), cells(33), latencies()];
  const distribution = new LatencyEvidence(MASSES, 0, 2400);
  for (const cell of requests) distribution.add(cell);
  const input = (ready: boolean): JudgeInput => ({
    alpha: 0.05,
    startSecond: 0,
    nowSecond: SECONDS,
    plannedSeconds: 2400,
    crossedUnits: 0,
    exposures: ready ? running.units : units,
    step: {
      index: 2,
      weight: 0.5,
      activeSeconds: 600,
      dwellSeconds: 600,
      until: {},
      lastComparison: true,
      totals: { control: totals, candidate: totals },
    },
    guardrails: [
      {
        kind: 'proportion',
        metric: 'error_rate',
        source: 'error',
        direction: 'lower',
        margin: 1,
        harm: { ratio: 2, absolute: 0.005 },
        cells: ready ? running.errors : errors,
        step,
      },
      {
        kind: 'quantile',
        metric: 'latency',
        margin: 1,
        masses: MASSES,
        harm: 0.16,
        cells: ready ? { distribution, tail: running.errors } : requests,
        sla: [],
      },
      {
        kind: 'proportion',
        metric: 'conversion',
        source: 'outcome',
        direction: 'higher',
        margin: 1,
        harm: { ratio: 0.9 },
        cells: ready ? running.outcomes : outcomes,
        step,
      },
    ],
  });
  const running = {
    errors: counted(errors, WORSE_WHEN_MORE),
    outcomes: counted(outcomes, WORSE_WHEN_FEWER),
    units: counted(units, SAMPLE_RATIOS),
  };
  const time = (ready: boolean, rounds: number) => {
    const given = input(ready);
    const took = Array.from({ length: rounds }, () => {
      const began = performance.now();
      judge(given);
      return 1000 * (performance.now() - began);
    });
    // The first half warms up.
    return median(took.slice(rounds / 2));
  };
  return { ready: time(true, 20_000), fromCounts: time(false, 400) };
}
