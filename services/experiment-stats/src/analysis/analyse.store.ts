import { alphaShare, ANALYSERS, type Guardrail, type Metric, type Rollout } from '@slipway/release';
import { durationMs } from '@slipway/core';
import { type EventGuardrail, judge, type Judgement, type LatencyGuardrail, latencyShift } from '@slipway/stats';
import type { ClickHouseClient } from '@slipway/platform';
import type { AsOf, Offsets } from './as-of.ts';
import type { CountsStore } from './counts.store.ts';
import type { LatencyStore } from './latency.store.ts';
import { type Baseline, MIN_BASELINE } from './latency-buckets.ts';
import { LookRows } from './look-rows.store.ts';
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
  private readonly clickhouse: ClickHouseClient;
  private readonly counts: CountsStore;
  private readonly latencies: LatencyStore;
  /** The control's latency to compare with: kept once there was enough of it. */
  private readonly baselines = new Map<string, { offsets: Offsets; read: Promise<Baseline> }>();
  constructor(clickhouse: ClickHouseClient, counts: CountsStore, latencies: LatencyStore) {
    this.clickhouse = clickhouse;
    this.counts = counts;
    this.latencies = latencies;
  }

  forget(rolloutId: string): void {
    this.baselines.delete(rolloutId);
  }

  private baseline(rollout: Rollout, asOf: AsOf): Promise<Baseline> {
    let found = this.baselines.get(rollout.id);
    if (!found) {
      const read = this.latencies.baseline(rollout, asOf);
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

  /** A metric of events: of failed requests, or of outcomes. */
  private async events(
    look: LookRows,
    metric: Metric,
    rule: Pick<EventGuardrail, 'margin' | 'role' | 'proof' | 'harm'>,
  ): Promise<EventGuardrail> {
    const isError = 'field' in metric.source;
    const counted = isError ? await this.counts.errors(look) : await this.counts.outcomes(look, metric);
    return {
      kind: 'events',
      metric: metric.name,
      source: isError ? 'error' : 'outcome',
      direction: metric.direction,
      ...counted,
      ...rule,
    };
  }

  private async latency(look: LookRows, g: Guardrail, margin: number, baseline: Baseline): Promise<LatencyGuardrail> {
    const quantiles = await this.latencies.quantiles(look);
    const enough = quantiles.candidate && quantiles.candidate.answers >= 100 ? quantiles.candidate : null;
    return {
      kind: 'latency',
      metric: g.metric,
      margin,
      masses: baseline.edges ? baseline.masses : null,
      baseline: { answers: baseline.answers, needed: MIN_BASELINE },
      quantiles,
      cells: baseline.edges ? await this.latencies.latency(look, baseline, margin) : [],
      sla: Object.entries(g.sla ?? {}).map(([q, limit]) => ({
        quantile: q,
        limitUs: durationMs(limit) * 1000,
        actualUs: enough?.[q as 'p50' | 'p90' | 'p99'] ?? null,
      })),
      ...(g.harm?.ratio ? { harm: slowDown(g.harm.ratio, baseline) } : {}),
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
    return this.judged(rollout, now, asOf, (at) => this.latencies.baseline(rollout, at));
  }

  private async judged(
    rollout: Rollout,
    now: number,
    asOf: AsOf,
    baselineOf: (asOf: AsOf) => Promise<Baseline>,
  ): Promise<Look> {
    const look = await LookRows.open(this.clickhouse, rollout, asOf);
    try {
      return await this.judgedBy(look, now, baselineOf);
    } finally {
      await look.end();
    }
  }

  private async judgedBy(look: LookRows, now: number, baselineOf: (asOf: AsOf) => Promise<Baseline>): Promise<Look> {
    const { rollout, asOf } = look;
    const totals = await this.counts.totals(look);
    const guardrails: (EventGuardrail | LatencyGuardrail)[] = [];
    for (const g of rollout.spec.guardrails) {
      const metric = declared(rollout, g.metric);
      const margin = marginOf(g, metric);
      guardrails.push(
        isLatency(metric)
          ? await this.latency(look, g, margin, await baselineOf(asOf))
          : await this.events(look, metric, { margin, role: g.role, proof: g.proof, harm: g.harm }),
      );
    }
    const present = rollout.spec.steps[rollout.step];
    // Shown to be better, or not yet.
    if (present && 'experiment' in present)
      guardrails.push(await this.events(look, declared(rollout, present.experiment.goal), { margin: 1, role: 'goal' }));
    const { began, stepBegan, now: newest } = await this.counts.times(look);
    const judgement = judge({
      alpha: alphaShare(rollout, ANALYSERS.traffic),
      startSecond: Math.floor(began / 1000),
      nowSecond: Math.floor(newest / 1000),
      plannedSeconds: plannedSeconds(rollout.spec),
      step: {
        index: rollout.step,
        weight: rollout.weight,
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
      missed: rollout.spec.missed,
    });
    return { ...judgement, numbers: { ...judgement.numbers, looked_at: now, as_of: asOf } };
  }
}

/** The metric as it was when the rollout was created. */
function declared(rollout: Rollout, name: string): Metric {
  const metric = rollout.metrics.find((m) => m.name === name);
  if (!metric) throw new Error(`the rollout lacks the declaration of ${name}`);
  return metric;
}

/** The slow-down in normal scores; `null` (nothing to measure it by: the control's answers are all alike) holds. */
function slowDown(ratio: number, baseline: Baseline): number | null {
  if (!baseline.edges) return null;
  const [p50, p90] = baseline.quantiles;
  return p90 > p50 ? latencyShift(ratio, p50, p90) : null;
}
