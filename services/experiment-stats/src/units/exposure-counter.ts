import type { ArmTotals } from '@slipway/stats';
import { armsIn, ByStep } from './by-step.ts';
import { CountCells } from './cells.ts';
import type { Unit } from './unit.ts';

export type Totals = { control: ArmTotals; candidate: ArmTotals; crossed: number };

/** What is counted of a rollout whatever its metrics are. */
export class ExposureCounter {
  /** First exposures of units at each share: the sample ratio. */
  readonly cells = new CountCells();
  private readonly steps = new ByStep<ArmTotals>(() => ({ requests: 0, units: 0 }));
  private crossed = 0;

  /** @param sign −1 takes away what was counted of the unit before */
  add(unit: Unit, sign: 1 | -1): void {
    if (unit.crossed) this.crossed += sign;
    for (const { met, chance, arm } of unit.settledShares) this.cells.add(Math.floor(met / 1e6), chance, arm, sign);
    for (const { step, arm, rows } of armsIn(unit.comparable)) {
      const totals = this.steps.at(step, arm);
      totals.requests += sign * rows.length;
      totals.units += sign;
    }
  }

  /** What was tried in a step, without crossed units; and over all steps the crossed units. */
  totals(step: number): Totals {
    const of = (arm: 'control' | 'candidate') => ({ ...this.steps.at(step, arm) });
    return { control: of('control'), candidate: of('candidate'), crossed: this.crossed };
  }
}
