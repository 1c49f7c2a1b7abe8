import { alphaShare, ANALYSERS, type Rollout, stepAt } from '@slipway/release';
import { type Finding, gauge } from '@slipway/platform';
import { judgeShadow } from '@slipway/stats';
import type { ShadowCountsStore } from './shadow-counts.store.ts';

const requests = gauge(
  'slipway_shadow_requests',
  'Sampled requests of a shadow step by state: sampled = paired + failed + expired + shed + pending',
  ['rollout', 'step', 'state'],
);

/** One look at a rollout whose present step samples requests. */
export class ShadowVerdict {
  private readonly counts: ShadowCountsStore;
  constructor(counts: ShadowCountsStore) {
    this.counts = counts;
  }

  async look(rollout: Rollout): Promise<Finding | undefined> {
    const step = stepAt(rollout.spec, rollout.step);
    const visit = rollout.visits.at(-1);
    if (!step?.sampling || !visit?.active_at) return undefined;
    const { maxExcessDisagreement, noise, until } = step.sampling;
    const of = {
      endpoint: rollout.spec.endpoint,
      rollout: rollout.id,
      step: rollout.step,
      since: rollout.started_at ?? rollout.created_at,
    };
    const found = judgeShadow({
      alpha: alphaShare(rollout, ANALYSERS.shadow),
      step: rollout.step,
      maxExcess: maxExcessDisagreement,
      noiseShare: noise,
      minPairs: until.pairs,
      activeSeconds: await this.counts.seconds(of),
      dwellSeconds: step.dwellMs / 1000,
      counts: await this.counts.counts(of),
    });
    for (const state of ['sampled', 'paired', 'failed', 'expired', 'shed', 'pending'] as const)
      requests.set({ rollout: rollout.id, step: String(rollout.step), state }, found.numbers[state]);
    return found;
  }
}
