import type { Metric, MetricKindName } from '@slipway/release';
import type { MetricCounter, Rule } from '../metrics/kind.ts';
import { ErrorCounter } from '../metrics/proportion/error-counter.ts';
import { OutcomeCounter } from '../metrics/proportion/outcome-counter.ts';
import { type HeldBaseline, LatencyCounter } from '../metrics/quantile/latency-counter.ts';

type MakeCounter = (metric: Metric, rule: Rule, held: HeldBaseline) => MetricCounter;

/** The counter of each kind of metric; a declared kind that is missing here does not compile. */
const COUNTERS: Readonly<Record<MetricKindName, MakeCounter>> = {
  proportion: (metric, rule) =>
    'field' in metric.source ? new ErrorCounter(metric, rule) : new OutcomeCounter(metric, rule),
  quantile: (metric, rule, held) => new LatencyCounter(metric, rule, held),
};

/** @param held control's latency before the rollout */
export const counterOf: MakeCounter = (metric, rule, held) => COUNTERS[metric.kind](metric, rule, held);
