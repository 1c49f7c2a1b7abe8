import {
  alphaShare,
  ANALYSERS,
  candidatesOf,
  remainingCandidates,
  type Rollout,
  weightBesideControl,
} from '@slipway/release';
import { durationMs } from '@slipway/core';
import { type ArmInput, type ArmsJudgement, judgeArms } from '@slipway/stats';
import type { ClickHouseClient } from '@slipway/platform';
import type { AsOf } from '../look/as-of.ts';
import { AsOfStore, SETTLE_MS } from '../units/as-of.store.ts';
import { BaselineStore } from '../metrics/quantile/baseline.store.ts';
import type { Baseline } from '../metrics/quantile/latency-buckets.ts';
import { type Seen, wentBack } from '../units/touched.ts';
import { UnitRowsStore } from '../units/unit-rows.store.ts';
import { isLastComparison, isPromotedNext, maxOutOfService, plannedSeconds, stepGoal } from './plan.ts';
import { needsBaseline, neededFor, Tally } from './tally.ts';

/** A verdict, and what it takes to reach it again from the same rows. */
export type Look = ArmsJudgement & { numbers: { looked_at: number; as_of: AsOf } };

type Carried = { tally: Tally; seen: Seen };

/** Where no metric needs one. */
const NO_BASELINE = { offsets: {}, baseline: { edges: null, answers: 0 } } as const;

/**
 * Looks at rollouts. What was counted of a rollout is carried from look to look; a look reads the units of which there
 * is something new, counts them as they are now, and takes away what was counted of them before. So its cost follows
 * what is new, and what it has then is what a look that reads everything has, to the last digit.
 */
export class Analysis {
  private readonly asOf: AsOfStore;
  private readonly units: UnitRowsStore;
  private readonly baselines: BaselineStore;
  private readonly carried = new Map<string, Carried>();
  constructor(clickhouse: ClickHouseClient) {
    this.asOf = new AsOfStore(clickhouse);
    this.units = new UnitRowsStore(clickhouse);
    this.baselines = new BaselineStore(clickhouse, this.asOf);
  }

  forget(rolloutId: string): void {
    this.carried.delete(rolloutId);
    this.baselines.forget(rolloutId);
    this.asOf.forget(rolloutId);
  }

  /** One query says for all rollouts what there is of them. @param now the clock of evidence, milliseconds */
  prepare(rollouts: readonly Rollout[], now: number): Promise<void> {
    return this.asOf.prepare(rollouts, now);
  }

  /** Nothing to say while no traffic has gone to the candidate in any step. */
  async look(rollout: Rollout, now: number): Promise<Look | undefined> {
    if (!rollout.visits.some((v) => v.active_at !== null && v.weight > 0)) return undefined;
    const { tally, seen } = await this.carriedTo(rollout);
    return judged(rollout, now, tally, seen.asOf);
  }

  /** The look that was taken at `now` and saw `asOf`, from the rows once more. @param rollout its state then */
  async again(rollout: Rollout, now: number, asOf: AsOf): Promise<Look> {
    const baseline = needsBaseline(rollout) ? await this.baselines.read(rollout, asOf.baseline) : NO_BASELINE.baseline;
    return judged(rollout, now, await this.counted(rollout, baseline, asOf), asOf);
  }

  /** What has been counted of a rollout, brought up to now. */
  private async carriedTo(rollout: Rollout): Promise<Carried> {
    const { offsets, baseline } = needsBaseline(rollout)
      ? await this.baselines.of(rollout, performance.now())
      : NO_BASELINE;
    const needed = neededFor(rollout);
    const seen = await this.asOf.now(rollout, needed.names.length > 0, offsets);
    const known = this.carried.get(rollout.id);
    // Buckets that are cut now were not counted before.
    if (!known?.tally.rebase(baseline) || isBehind(known.seen, seen)) {
      const carried = { tally: await this.counted(rollout, baseline, seen.asOf), seen };
      this.carried.set(rollout.id, carried);
      return carried;
    }
    const { tally, seen: before } = known;
    seen.asOf.closed = Math.max(seen.asOf.closed, before.asOf.closed);
    const changed = await this.units.changed(rollout, needed, before, seen, tally.pendingAt(before.asOf.closed));
    this.carried.delete(rollout.id);
    for (const unit of changed) tally.update(unit, before.asOf, seen.asOf);
    const carried = { tally, seen };
    this.carried.set(rollout.id, carried);
    return carried;
  }

  /** Counts all that there is of a rollout. */
  private async counted(rollout: Rollout, baseline: Baseline, asOf: AsOf): Promise<Tally> {
    const tally = new Tally(rollout, baseline);
    for await (const units of this.units.all(rollout, neededFor(rollout)))
      for (const unit of units) tally.update(unit, undefined, asOf);
    return tally;
  }
}

function judged(rollout: Rollout, now: number, tally: Tally, asOf: AsOf): Look {
  const judgement = judgeArms({
    alpha: alphaShare(rollout, ANALYSERS.traffic),
    missed: rollout.spec.missed,
    candidates: candidatesOf(rollout.spec).length,
    // Of one that was withdrawn nothing is said any more; it has had its part of α.
    arms: remainingCandidates(rollout).map(({ name }) => ({ arm: name, ...seenOf(rollout, name, tally, asOf) })),
  });
  return { ...judgement, numbers: { ...judgement.numbers, looked_at: now, as_of: asOf } };
}

const isBehind = (before: Seen, after: Seen): boolean =>
  wentBack(before.predictions, after.predictions) || wentBack(before.outcomes, after.outcomes);

/** One candidate beside control. */
function seenOf(rollout: Rollout, candidate: string, tally: Tally, asOf: AsOf): Omit<ArmInput, 'arm'> {
  const arm = tally.arm(candidate);
  const { exposures, arrivals } = arm;
  // By Kafka's clock alone: the newest of all rows that the look had heard of. A step is visited once.
  const newest = asOf.closed + SETTLE_MS;
  const { began, stepBegan } = arrivals.times(rollout.step, newest);
  const { crossed, ...totals } = exposures.totals(rollout.step);
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
      totals,
    },
    guardrails: arm.guardrails(rollout.step),
    exposures: exposures.cells.list,
    exposuresCarry: exposures.cells.carry,
    crossedUnits: crossed,
    outOfService: {
      seconds: arrivals.outOfService(rollout.step, asOf.resumed),
      limitSeconds: durationMs(maxOutOfService(rollout.spec)) / 1000,
    },
  };
}
