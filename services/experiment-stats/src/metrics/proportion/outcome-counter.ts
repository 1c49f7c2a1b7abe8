import type { Metric } from '@slipway/release';
import type { ProportionGuardrail } from '@slipway/stats';
import { armsIn, ByStep } from '../../units/by-step.ts';
import { CountCells } from '../../units/cells.ts';
import { inOrder } from '../../units/shares.ts';
import type { Unit } from '../../units/unit.ts';
import type { MetricCounter, Rule } from '../kind.ts';
import { outcomeStays, type Stay } from './outcome-units.ts';
import type { StepCounts } from './step-counts.ts';

/**
 * The events of an outcome metric by the second in which they count, and for each step the units that the metric is
 * divided by, and those with an event.
 */
export class OutcomeCounter implements MetricCounter {
  readonly cells = new CountCells();
  private readonly steps = new ByStep(() => ({ units: 0, events: 0 }));
  private readonly metric: Metric;
  private readonly rule: Rule;
  constructor(metric: Metric, rule: Rule) {
    this.metric = metric;
    this.rule = rule;
  }

  add(unit: Unit, sign: 1 | -1): void {
    const stays = outcomeStays(unit, this.metric);
    if (stays.length === 0) return;
    const events = new Map<number, Stay>();
    for (const stay of stays)
      if (stay.hasEvent && stay.second < (events.get(stay.weight)?.second ?? Number.POSITIVE_INFINITY))
        events.set(stay.weight, stay);
    for (const { arm, chance, event } of inOrder(unit.shares, (weight) => events.get(weight)))
      this.cells.add(event.second, chance, arm, sign);
    for (const { step, arm, rows } of armsIn(stays)) {
      const counts = this.steps.at(step, arm);
      counts.units += sign;
      if (rows.some(({ hasEvent }) => hasEvent)) counts.events += sign;
    }
  }

  step(index: number): StepCounts {
    const of = (arm: 'control' | 'candidate') => ({ ...this.steps.at(index, arm) });
    return { control: of('control'), candidate: of('candidate') };
  }

  guardrail(step: number): ProportionGuardrail {
    const { metric, direction } = { metric: this.metric.name, direction: this.metric.direction };
    const { margin, role, proof, harm } = this.rule;
    const counted = { cells: this.cells.list, carry: this.cells.carry, step: this.step(step) };
    return { kind: 'proportion', metric, source: 'outcome', direction, ...counted, margin, role, proof, harm };
  }
}
