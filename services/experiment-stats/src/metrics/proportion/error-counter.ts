import type { Metric } from '@slipway/release';
import type { ProportionGuardrail } from '@slipway/stats';
import { armsIn, ByStep } from '../../units/by-step.ts';
import { CountCells } from '../../units/cells.ts';
import { inOrder } from '../../units/shares.ts';
import type { Unit } from '../../units/unit.ts';
import type { MetricCounter, Rule } from '../kind.ts';
import type { StepCounts } from './step-counts.ts';

type Tried = {
  units: number;
  events: number;
  /** Units by the share of their failed requests, and the share of those that control could not answer either. */
  failed: Map<number, number>;
  shared: Map<number, number>;
};

/**
 * First failures of units, each in the second in which it was settled: a hanging candidate is given up sooner than a
 * hanging control, and its row arrives sooner, but a fault of both must not look like one of the candidate. And for
 * each step the units that were tried, those with a failed request, and the mean share of failed requests of a unit.
 */
export class ErrorCounter implements MetricCounter {
  readonly cells = new CountCells();
  private readonly steps = new ByStep<Tried>(() => ({ units: 0, events: 0, failed: new Map(), shared: new Map() }));
  private readonly metric: Metric;
  private readonly rule: Rule;
  constructor(metric: Metric, rule: Rule) {
    this.metric = metric;
    this.rule = rule;
  }

  add(unit: Unit, sign: 1 | -1): void {
    const failures = new Map<number, { second: number; at: number }>();
    for (const { failed, ejected, weight, settled } of unit.settled)
      if (failed && !ejected && settled < (failures.get(weight)?.at ?? Number.POSITIVE_INFINITY))
        failures.set(weight, { second: Math.floor(settled / 1e6), at: settled });
    if (failures.size > 0)
      for (const { arm, chance, event } of inOrder(unit.shares, (weight) => failures.get(weight)))
        this.cells.add(event.second, chance, arm, sign);
    for (const { step, arm, rows } of armsIn(unit.comparable)) {
      const tried = this.steps.at(step, arm);
      const failed = rows.filter((r) => r.failed).length / rows.length;
      tried.units += sign;
      if (failed > 0) tried.events += sign;
      change(tried.failed, failed, sign);
      change(tried.shared, rows.filter((r) => r.nobody).length / rows.length, sign);
    }
  }

  step(index: number): StepCounts {
    const { units, events } = this.steps.at(index, 'control');
    const candidate = this.steps.at(index, 'candidate');
    const of = { units: candidate.units, events: candidate.events };
    if (of.units === 0) return { control: { units, events }, candidate: of };
    const sharedShare = mean(candidate.shared);
    return {
      control: { units, events },
      candidate: { ...of, failedShare: mean(candidate.failed), ...(sharedShare ? { sharedShare } : {}) },
    };
  }

  guardrail(step: number): ProportionGuardrail {
    const { metric, direction } = { metric: this.metric.name, direction: this.metric.direction };
    const { margin, role, proof, harm } = this.rule;
    const counted = { cells: this.cells.list, carry: this.cells.carry, step: this.step(step) };
    return { kind: 'proportion', metric, source: 'error', direction, ...counted, margin, role, proof, harm };
  }
}

function change(counts: Map<number, number>, key: number, by: number): void {
  const n = (counts.get(key) ?? 0) + by;
  if (n === 0) counts.delete(key);
  else counts.set(key, n);
}

/** In the order of the values, so that the sum is exactly the same in whatever order units were counted. */
function mean(counts: ReadonlyMap<number, number>): number {
  let [sum, n] = [0, 0];
  for (const [value, count] of [...counts].sort(([a], [b]) => a - b)) {
    sum += value * count;
    n += count;
  }
  return sum / n;
}
