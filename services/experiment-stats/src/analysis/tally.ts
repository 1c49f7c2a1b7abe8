import { durationMs } from '@slipway/core';
import { allSteps, candidatesOf, type Metric, pairShare, type Rollout } from '@slipway/release';
import type { AsOf } from '../look/as-of.ts';
import { outputOf } from '../metrics/proportion/outcome-units.ts';
import type { Baseline } from '../metrics/quantile/latency-buckets.ts';
import type { HeldBaseline } from '../metrics/quantile/latency-counter.ts';
import { type UnitRows, wasSeen } from '../units/exposure.ts';
import type { Pending } from '../units/touched.ts';
import type { Needed } from '../units/unit-rows.store.ts';
import { ArmTally, declared } from './arm-tally.ts';

/** The counts of a rollout, each of its candidates with control. Looks carry them forward, unit by unit. Pure. */
export class Tally {
  /** By the name of the candidate's arm. */
  private readonly arms: ReadonlyMap<string, ArmTally>;
  private readonly held: HeldBaseline;
  private pending: Pending[] = [];

  constructor(rollout: Rollout, baseline: Baseline) {
    this.held = { baseline };
    const names = candidatesOf(rollout.spec).map(({ name }) => name);
    this.arms = new Map(
      names.map((candidate) => {
        const others = names.filter((name) => name !== candidate);
        const compared = { candidate, part: pairShare(rollout.spec, candidate), others };
        return [candidate, new ArmTally(rollout, compared, this.held)];
      }),
    );
  }

  /** Takes another baseline if that changes nothing that was counted. @returns whether it could */
  rebase(baseline: Baseline): boolean {
    const { held } = this;
    if (held.baseline !== baseline && (held.baseline.edges || baseline.edges)) return false;
    held.baseline = baseline;
    return true;
  }

  /** @param before the unit's earlier data, as counted; undefined when it was not counted */
  update(rows: UnitRows, before: AsOf | undefined, after: AsOf): void {
    for (const arm of this.arms.values()) arm.update(rows, before, after);
    for (const row of rows.exposures) {
      const { arrived, settled } = row;
      const isNew = wasSeen(row, after.predictions) && !(before && wasSeen(row, before.predictions));
      if (isNew && settled > arrived * 1000 && settled > after.closed * 1000) this.pending.push({ arrived, settled });
    }
  }

  /** Exposures whose failure would not have been known by then for both arms. */
  pendingAt(closed: number): readonly Pending[] {
    this.pending = this.pending.filter(({ settled }) => settled > closed * 1000);
    return this.pending;
  }

  arm(candidate: string): ArmTally {
    const arm = this.arms.get(candidate);
    if (!arm) throw new RangeError(`the rollout has no candidate ${candidate}`);
    return arm;
  }
}

/** The metrics that a rollout is judged by. */
const metricsOf = (rollout: Rollout): Metric[] => [
  ...rollout.spec.guardrails.map((g) => declared(rollout, g.metric)),
  ...allSteps(rollout.spec).flatMap(({ goal }) => (goal ? [declared(rollout, goal.metric)] : [])),
];

/** What has to be read of its units for these. */
export function neededFor(rollout: Rollout): Needed {
  const outcomes = metricsOf(rollout).filter((m) => 'outcome' in m.source);
  const sources = outcomes.map(({ source }) => source as Extract<Metric['source'], { outcome: string }>);
  return {
    names: [...new Set(sources.map(({ outcome }) => outcome))],
    outputs: [...new Set(sources.flatMap(({ compare }) => (compare ? [outputOf(compare)] : [])))],
    windows: outcomes.filter(({ per }) => per === 'exposed').map(({ window }) => durationMs(window)),
  };
}

/** Whether control's latency before the rollout is needed. */
export const needsBaseline = (rollout: Rollout): boolean => metricsOf(rollout).some(({ kind }) => kind === 'quantile');
