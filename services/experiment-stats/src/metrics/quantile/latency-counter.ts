import { durationMs } from '@slipway/core';
import type { Metric } from '@slipway/release';
import { latencyShift, type QuantileGuardrail } from '@slipway/stats';
import { ByStep } from '../../units/by-step.ts';
import { BucketCells } from '../../units/cells.ts';
import { inOrder } from '../../units/shares.ts';
import { type Exposure, inTime, type Unit } from '../../units/unit.ts';
import type { MetricCounter, Rule } from '../kind.ts';
import { Answers } from './answers.ts';
import { type Baseline, MIN_BASELINE } from './latency-buckets.ts';

/** While there is too little to cut buckets by, it is another one from time to time, and no bucket is counted. */
export type HeldBaseline = { baseline: Baseline };

/** Fewer answers of the candidate are not held against a limit on its quantiles. */
const MIN_ANSWERS = 100;

/**
 * How long answers took, microseconds: first requests of units by latency bucket, where their own arm answered them
 * (after a failure the callers of the two arms go different ways; that it failed is an error), and in each step all
 * answers of each arm. The candidate's edges are stretched by the margin.
 */
export class LatencyCounter implements MetricCounter {
  readonly cells: BucketCells;
  private readonly steps = new ByStep(() => new Answers());
  private readonly metric: Metric;
  private readonly rule: Rule;
  private readonly held: HeldBaseline;
  constructor(metric: Metric, rule: Rule, held: HeldBaseline) {
    this.metric = metric;
    this.rule = rule;
    this.held = held;
    this.cells = new BucketCells((held.baseline.edges?.length ?? 0) + 1);
  }

  private get baseline(): Baseline {
    return this.held.baseline;
  }

  add(unit: Unit, sign: 1 | -1): void {
    for (const { failed, step, arm, latencyUs } of unit.comparable)
      if (!failed) this.steps.at(step, arm).add(latencyUs, sign);
    if (!this.baseline.edges) return;
    const { edges, until } = this.baseline;
    const first = new Map<number, Exposure>();
    for (const exposure of unit.comparable) {
      if (secondOf(exposure) <= until) continue;
      const known = first.get(exposure.weight);
      if (!known || inTime(exposure, known) < 0) first.set(exposure.weight, exposure);
    }
    const answered = (weight: number) => {
      const exposure = first.get(weight);
      return exposure && !exposure.failed ? { second: secondOf(exposure), exposure } : undefined;
    };
    for (const { arm, chance, event } of inOrder(unit.shares, answered)) {
      const latency = event.exposure.latencyUs / (arm === 'candidate' ? this.rule.margin : 1);
      const bucket = edges.filter((edge) => latency > edge).length;
      this.cells.add(event.second, chance, arm, bucket, sign);
    }
  }

  quantiles(step: number): NonNullable<QuantileGuardrail['quantiles']> {
    const of = (arm: 'control' | 'candidate') => this.steps.at(step, arm).quantiles();
    return { control: of('control'), candidate: of('candidate') };
  }

  guardrail(step: number): QuantileGuardrail {
    const { baseline, rule } = this;
    const quantiles = this.quantiles(step);
    const enough = quantiles.candidate && quantiles.candidate.answers >= MIN_ANSWERS ? quantiles.candidate : null;
    return {
      kind: 'quantile',
      metric: this.metric.name,
      margin: rule.margin,
      masses: baseline.edges ? baseline.masses : null,
      baseline: { answers: baseline.answers, needed: MIN_BASELINE },
      quantiles,
      cells: this.cells.list,
      carry: this.cells.carry,
      sla: Object.entries(rule.sla ?? {}).map(([q, limit]) => ({
        quantile: q,
        limitUs: durationMs(limit) * 1000,
        actualUs: enough?.[q as 'p50' | 'p90' | 'p99'] ?? null,
      })),
      ...(rule.harm?.ratio ? { harm: slowDown(rule.harm.ratio, baseline) } : {}),
    };
  }
}

const secondOf = ({ arrived }: Exposure) => Math.floor(arrived / 1000);

/** The slow-down in normal scores; `null` (nothing to measure it by: the control's answers are all alike) holds. */
function slowDown(ratio: number, baseline: Baseline): number | null {
  if (!baseline.edges) return null;
  const [p50, p90] = baseline.quantiles;
  return p90 > p50 ? latencyShift(ratio, p50, p90) : null;
}
