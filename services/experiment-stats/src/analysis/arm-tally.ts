import { allSteps, marginOf, type Metric, type Rollout } from '@slipway/release';
import type { Guardrail } from '@slipway/stats';
import type { AsOf } from '../look/as-of.ts';
import type { MetricCounter, Rule } from '../metrics/kind.ts';
import type { HeldBaseline } from '../metrics/quantile/latency-counter.ts';
import { Arrivals } from '../units/arrivals.ts';
import { ExposureCounter } from '../units/exposure-counter.ts';
import { type UnitRows, wasSeen } from '../units/exposure.ts';
import { type Compared, unitAt } from '../units/unit.ts';
import { counterOf } from './kinds.ts';

/** The counts of one candidate and control, over all units and steps. Pure. */
export class ArmTally {
  readonly exposures = new ExposureCounter();
  readonly arrivals = new Arrivals();
  private readonly guards: MetricCounter[];
  /** Of each step that has a goal. */
  private readonly goals = new Map<number, MetricCounter>();
  private readonly compared: Compared;

  constructor(rollout: Rollout, compared: Compared, held: HeldBaseline) {
    this.compared = compared;
    const counter = (name: string, rule: (metric: Metric) => Rule) => {
      const metric = declared(rollout, name);
      return counterOf(metric, rule(metric), held);
    };
    this.guards = rollout.spec.guardrails.map((g) => counter(g.metric, (m) => ({ ...g, margin: marginOf(g, m) })));
    // Whether it is shown to be better, or not yet.
    for (const { index, goal } of allSteps(rollout.spec))
      if (goal)
        this.goals.set(
          index,
          counter(goal.metric, () => ({ margin: 1, role: 'goal' })),
        );
  }

  /** @param before the unit's earlier data, as counted; undefined when it was not counted */
  update(rows: UnitRows, before: AsOf | undefined, after: AsOf): void {
    const was = before && unitAt(rows, before, this.compared);
    const is = unitAt(rows, after, this.compared);
    for (const counter of [this.exposures, ...this.guards, ...this.goals.values()]) {
      if (was) counter.add(was, -1);
      if (is) counter.add(is, 1);
    }
    if (is) this.arrivals.add(before ? is.exposures.filter((r) => !wasSeen(r, before.predictions)) : is.exposures);
  }

  /** In the order of the specification, the goal of the step at the end. */
  guardrails(step: number): Guardrail[] {
    const goal = this.goals.get(step);
    return [...this.guards, ...(goal ? [goal] : [])].map((counter) => counter.guardrail(step));
  }
}

/** The metric as declared when the rollout was created. */
export function declared(rollout: Rollout, name: string): Metric {
  const metric = rollout.metrics.find((m) => m.name === name);
  if (!metric) throw new Error(`the rollout lacks the declaration of ${name}`);
  return metric;
}
