import { alphaShare, ANALYSERS, durationMs, type Rollout } from '@slipway/contracts';
import { type EventGuardrail, judge, type Judgement, type LatencyGuardrail, latencyShift } from '@slipway/stats';
import type { AsOf, CountsStore, Offsets } from './counts.store.ts';
import { type Baseline, MIN_BASELINE } from './latency-buckets.ts';
import {
  isLastComparison,
  isLatency,
  isPromotedNext,
  marginOf,
  maxOutOfService,
  plannedSeconds,
  stepGoal,
} from './plan.ts';

/** A verdict, and what it takes to reach it again from the same rows. */
export type Look = Judgement & { numbers: { looked_at: number; as_of: AsOf } };

/** One look at one rollout: reads its sufficient statistics and judges them. */
export class Analysis {
  private readonly counts: CountsStore;
  /** The control's latency to compare with: kept once there was enough of it. */
  private readonly baselines = new Map<string, { offsets: Offsets; read: Promise<Baseline> }>();
  constructor(counts: CountsStore) {
    this.counts = counts;
  }

  forget(rolloutId: string): void {
    this.baselines.delete(rolloutId);
  }

  private baseline(rollout: Rollout, asOf: AsOf): Promise<Baseline> {
    let found = this.baselines.get(rollout.id);
    if (!found) {
      const read = this.counts.baseline(rollout, asOf);
      // What there was too little of is looked for again.
      read.then(
        ({ edges }) => edges === null && this.baselines.delete(rollout.id),
        () => this.baselines.delete(rollout.id),
      );
      found = { offsets: asOf.baseline, read };
      this.baselines.set(rollout.id, found);
    }
    return found.read;
  }

  /** An experiment's goal: shown to be better, or not yet. */
  private async goal(rollout: Rollout, asOf: AsOf, name: string): Promise<EventGuardrail> {
    const metric = rollout.metrics.find((m) => m.name === name);
    if (!metric) throw new Error(`the rollout lacks the declaration of ${name}`);
    const { cells, step } = await this.counts.outcomes(rollout, asOf, metric);
    return {
      kind: 'events',
      role: 'goal',
      metric: name,
      source: 'outcome',
      direction: metric.direction,
      margin: 1,
      cells,
      step,
    };
  }

  /** Nothing to say while no traffic has gone to the candidate in any step. */
  async look(rollout: Rollout, now: number): Promise<Look | undefined> {
    if (!rollout.visits.some((v) => v.active_at !== null && v.weight > 0)) return undefined;
    const asOf = await this.counts.asOf(rollout, this.baselines.get(rollout.id)?.offsets);
    return this.judged(rollout, now, asOf, (at) => this.baseline(rollout, at));
  }

  /** The look that was taken at `now` and saw `asOf`, from the rows once more. @param rollout its state then */
  again(rollout: Rollout, now: number, asOf: AsOf): Promise<Look> {
    return this.judged(rollout, now, asOf, (at) => this.counts.baseline(rollout, at));
  }

  private async judged(
    rollout: Rollout,
    now: number,
    asOf: AsOf,
    baselineOf: (asOf: AsOf) => Promise<Baseline>,
  ): Promise<Look> {
    const totals = await this.counts.totals(rollout, asOf);
    const guardrails: (EventGuardrail | LatencyGuardrail)[] = [];
    for (const g of rollout.spec.guardrails) {
      const metric = rollout.metrics.find((m) => m.name === g.metric);
      if (!metric) throw new Error(`the rollout lacks the declaration of ${g.metric}`);
      const margin = marginOf(g, metric);
      if (isLatency(metric)) {
        const baseline = await baselineOf(asOf);
        const quantiles = await this.counts.latencies(rollout, asOf);
        const enough = quantiles.candidate && quantiles.candidate.answers >= 100 ? quantiles.candidate : null;
        const sla = Object.entries(g.sla ?? {}).map(([q, limit]) => ({
          quantile: q,
          limitUs: durationMs(limit) * 1000,
          actualUs: enough?.[q as 'p50' | 'p90' | 'p99'] ?? null,
        }));
        guardrails.push({
          kind: 'latency',
          metric: g.metric,
          margin,
          masses: baseline.edges ? baseline.masses : null,
          baseline: { answers: baseline.answers, needed: MIN_BASELINE },
          quantiles,
          cells: baseline.edges ? await this.counts.latency(rollout, asOf, baseline, margin) : [],
          sla,
          ...(g.harm?.ratio ? { harm: slowDown(g.harm.ratio, baseline) } : {}),
        });
      } else if ('field' in metric.source) {
        const { cells, step } = await this.counts.errors(rollout, asOf);
        guardrails.push({
          kind: 'events',
          metric: g.metric,
          source: 'error',
          direction: metric.direction,
          margin,
          cells,
          step,
          role: g.role,
          proof: g.proof,
          harm: g.harm,
        });
      } else {
        const { cells, step } = await this.counts.outcomes(rollout, asOf, metric);
        guardrails.push({
          kind: 'events',
          metric: g.metric,
          source: 'outcome',
          direction: metric.direction,
          margin,
          cells,
          step,
          role: g.role,
          proof: g.proof,
          harm: g.harm,
        });
      }
    }
    const present = rollout.spec.steps[rollout.step];
    if (present && 'experiment' in present) guardrails.push(await this.goal(rollout, asOf, present.experiment.goal));
    const visit = rollout.visits.at(-1);
    const judgement = judge({
      alpha: alphaShare(rollout, ANALYSERS.traffic),
      startSecond: Math.floor((rollout.started_at ?? now) / 1000),
      nowSecond: Math.floor(now / 1000),
      plannedSeconds: plannedSeconds(rollout.spec),
      step: {
        index: rollout.step,
        weight: rollout.weight,
        activeSeconds: visit?.active_at ? (now - visit.active_at) / 1000 : 0,
        ...stepGoal(rollout),
        lastComparison: isLastComparison(rollout),
        promotes: isPromotedNext(rollout),
        totals: { control: totals.control, candidate: totals.candidate },
      },
      guardrails,
      exposures: await this.counts.exposures(rollout, asOf),
      crossedUnits: totals.crossed,
      outOfService: {
        seconds: await this.counts.outOfService(rollout, asOf),
        limitSeconds: durationMs(maxOutOfService(rollout.spec)) / 1000,
      },
      missed: rollout.spec.missed,
    });
    return { ...judgement, numbers: { ...judgement.numbers, looked_at: now, as_of: asOf } };
  }
}

/** The slow-down in normal scores; `null` (nothing to measure it by) holds. */
function slowDown(ratio: number, baseline: Baseline): number | null {
  return baseline.edges && baseline.edges[1] > baseline.edges[0]
    ? latencyShift(ratio, baseline.edges[0], baseline.edges[1])
    : null;
}
