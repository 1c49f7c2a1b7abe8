import { alphaShare, ANALYSERS, durationMs, type Rollout } from '@slipway/contracts';
import { type EventGuardrail, judge, type Judgement, type LatencyGuardrail } from '@slipway/stats';
import type { CountsStore } from './counts.store.ts';
import type { Baseline } from './latency-buckets.ts';
import { isLatency, marginOf, plannedSeconds, stepGoal } from './plan.ts';

/** One look at one rollout: reads its sufficient statistics and judges them. */
export class Analysis {
  private readonly counts: CountsStore;
  private readonly baselines = new Map<string, Promise<Baseline>>();
  constructor(counts: CountsStore) {
    this.counts = counts;
  }

  /** The control's latency before the start never changes: it is read once per rollout. */
  private baseline(rollout: Rollout): Promise<Baseline> {
    let found = this.baselines.get(rollout.id);
    if (!found) {
      found = this.counts.baseline(rollout);
      found.catch(() => this.baselines.delete(rollout.id));
      this.baselines.set(rollout.id, found);
    }
    return found;
  }

  forget(rolloutId: string): void {
    this.baselines.delete(rolloutId);
  }

  /** An experiment's goal: shown to be better, or not yet. */
  private async goal(rollout: Rollout, name: string): Promise<EventGuardrail> {
    const metric = rollout.metrics.find((m) => m.name === name);
    if (!metric) throw new Error(`the rollout lacks the declaration of ${name}`);
    const { cells, step } = await this.counts.outcomes(rollout, metric);
    return { kind: 'events', role: 'goal', metric: name, source: 'outcome', direction: metric.direction, margin: 1, cells, step };
  }

  /** Nothing to say while no traffic has gone to the candidate in any step. */
  async look(rollout: Rollout, now: number): Promise<Judgement | undefined> {
    if (!rollout.visits.some((v) => v.active_at !== null && v.weight > 0)) return undefined;
    const totals = await this.counts.totals(rollout);
    const guardrails: (EventGuardrail | LatencyGuardrail)[] = [];
    for (const g of rollout.spec.guardrails) {
      const metric = rollout.metrics.find((m) => m.name === g.metric);
      if (!metric) throw new Error(`the rollout lacks the declaration of ${g.metric}`);
      const margin = marginOf(g, metric);
      if (isLatency(metric)) {
        const baseline = await this.baseline(rollout);
        const quantiles = g.sla ? await this.counts.candidateQuantiles(rollout) : null;
        const sla = Object.entries(g.sla ?? {}).map(([q, limit]) => ({ quantile: q, limitUs: durationMs(limit) * 1000, actualUs: quantiles?.[q as 'p50' | 'p90' | 'p99'] ?? null }));
        guardrails.push({ kind: 'latency', metric: g.metric, margin, masses: baseline?.masses ?? null, cells: baseline ? await this.counts.latency(rollout, baseline, margin) : [], sla });
      } else if ('field' in metric.source) {
        const { cells, events } = await this.counts.errors(rollout);
        const of = (arm: 'control' | 'candidate') => ({ units: totals[arm].units, events: events[arm] });
        guardrails.push({ kind: 'events', metric: g.metric, source: 'error', direction: metric.direction, margin, cells, step: { control: of('control'), candidate: of('candidate') }, role: g.role, proof: g.proof });
      } else {
        const { cells, step } = await this.counts.outcomes(rollout, metric);
        guardrails.push({ kind: 'events', metric: g.metric, source: 'outcome', direction: metric.direction, margin, cells, step, role: g.role, proof: g.proof });
      }
    }
    const present = rollout.spec.steps[rollout.step];
    if (present && 'experiment' in present) guardrails.push(await this.goal(rollout, present.experiment.goal));
    const visit = rollout.visits.at(-1);
    return judge({
      alpha: alphaShare(rollout, ANALYSERS.canary),
      startSecond: Math.floor((rollout.started_at ?? now) / 1000),
      nowSecond: Math.floor(now / 1000),
      plannedSeconds: plannedSeconds(rollout.spec),
      step: { index: rollout.step, weight: rollout.weight, activeSeconds: visit?.active_at ? (now - visit.active_at) / 1000 : 0, ...stepGoal(rollout), totals: { control: totals.control, candidate: totals.candidate } },
      guardrails,
      exposures: await this.counts.exposures(rollout),
      crossedUnits: totals.crossed,
    });
  }
}
