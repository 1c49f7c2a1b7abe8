import {
  alphaShare,
  ANALYSERS,
  candidatesOf,
  marginOf,
  type Metric,
  remainingCandidates,
  type Rollout,
  stepAt,
  weightBesideControl,
} from '@slipway/release';
import { durationMs } from '@slipway/core';
import { type ArmInput, type ArmsJudgement, type Guardrail, judgeArms } from '@slipway/stats';
import type { ClickHouseClient } from '@slipway/platform';
import type { AsOf } from '../look/as-of.ts';
import { CountsStore } from '../look/counts.store.ts';
import { LookRows } from '../look/look-rows.store.ts';
import type { Rule } from '../metrics/kind.ts';
import { type MetricReaders, metricReaders } from './kinds.ts';
import { isLastComparison, isPromotedNext, maxOutOfService, plannedSeconds, stepGoal } from './plan.ts';

/** A verdict, and what it takes to reach it again from the same rows. */
export type Look = ArmsJudgement & { numbers: { looked_at: number; as_of: AsOf } };

/**
 * One look at one rollout: reads the sufficient statistics of each candidate beside control, those of each metric by
 * its kind, and judges them.
 */
export class Analysis {
  private readonly clickhouse: ClickHouseClient;
  private readonly counts: CountsStore;
  private readonly readers: MetricReaders;
  constructor(clickhouse: ClickHouseClient) {
    this.clickhouse = clickhouse;
    this.counts = new CountsStore(clickhouse);
    this.readers = metricReaders(clickhouse);
  }

  forget(rolloutId: string): void {
    for (const reader of Object.values(this.readers)) reader.forget?.(rolloutId);
  }

  /** Nothing to say while no traffic has gone to the candidate in any step. */
  async look(rollout: Rollout, now: number): Promise<Look | undefined> {
    if (!rollout.visits.some((v) => v.active_at !== null && v.weight > 0)) return undefined;
    const fixed = Object.values(this.readers).map((reader) => reader.fixed?.(rollout.id));
    return this.judged(rollout, now, await this.counts.asOf(rollout, Object.assign({}, ...fixed)), this.readers);
  }

  /** The look that was taken at `now` and saw `asOf`, from the rows once more. @param rollout its state then */
  again(rollout: Rollout, now: number, asOf: AsOf): Promise<Look> {
    // Readers that have kept nothing.
    return this.judged(rollout, now, asOf, metricReaders(this.clickhouse));
  }

  private async judged(rollout: Rollout, now: number, asOf: AsOf, readers: MetricReaders): Promise<Look> {
    const arms: ArmInput[] = [];
    // Of one that was withdrawn nothing is said any more; it has had its part of α.
    for (const { name } of remainingCandidates(rollout)) arms.push(await this.armSeen(rollout, asOf, name, readers));
    const judgement = judgeArms({
      alpha: alphaShare(rollout, ANALYSERS.traffic),
      missed: rollout.spec.missed,
      candidates: candidatesOf(rollout.spec).length,
      arms,
    });
    return { ...judgement, numbers: { ...judgement.numbers, looked_at: now, as_of: asOf } };
  }

  private async armSeen(rollout: Rollout, asOf: AsOf, arm: string, readers: MetricReaders): Promise<ArmInput> {
    const look = await LookRows.open(this.clickhouse, rollout, asOf, arm);
    try {
      return { arm, ...(await this.seen(look, readers)) };
    } finally {
      await look.end();
    }
  }

  /** One candidate beside control. */
  private async seen(look: LookRows, readers: MetricReaders): Promise<Omit<ArmInput, 'arm'>> {
    const { rollout, candidate } = look;
    const totals = await this.counts.totals(look);
    const guardrails: Guardrail[] = [];
    const read = async (metric: Metric, rule: Rule) =>
      guardrails.push(await readers[metric.kind].guardrail(look, metric, rule));
    for (const g of rollout.spec.guardrails) {
      const metric = declared(rollout, g.metric);
      await read(metric, { ...g, margin: marginOf(g, metric) });
    }
    const goal = stepAt(rollout.spec, rollout.step)?.goal;
    // Shown to be better, or not yet.
    if (goal) await read(declared(rollout, goal.metric), { margin: 1, role: 'goal' });
    const { began, stepBegan, now: newest } = await this.counts.times(look);
    return {
      startSecond: Math.floor(began / 1000),
      nowSecond: Math.floor(newest / 1000),
      plannedSeconds: plannedSeconds(rollout.spec),
      step: {
        index: rollout.step,
        weight: weightBesideControl(rollout, candidate),
        activeSeconds: (newest - stepBegan) / 1000,
        ...stepGoal(rollout),
        lastComparison: isLastComparison(rollout),
        promotes: isPromotedNext(rollout),
        totals: { control: totals.control, candidate: totals.candidate },
      },
      guardrails,
      exposures: await this.counts.exposures(look),
      crossedUnits: totals.crossed,
      outOfService: {
        seconds: await this.counts.outOfService(look),
        limitSeconds: durationMs(maxOutOfService(rollout.spec)) / 1000,
      },
    };
  }
}

/** The metric as it was when the rollout was created. */
function declared(rollout: Rollout, name: string): Metric {
  const metric = rollout.metrics.find((m) => m.name === name);
  if (!metric) throw new Error(`the rollout lacks the declaration of ${name}`);
  return metric;
}
