import { randomBytes } from 'node:crypto';
import { childTraceparent, type Reference, type Route, type Target, topics } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';
import { type Rollout } from '@slipway/release';
import {
  counter,
  type Finding,
  gauge,
  type Logger,
  PacedLoop,
  type RecordProducer,
  steadyNow,
} from '@slipway/platform';
import { mainBranch } from '@slipway/routing';
import { DRIFT_RULE, type DriftWindow, judgeDrift, judgeLoss, LOSS_RULE } from '@slipway/stats';
import type { HistogramStore } from '../histogram/histogram.store.ts';
import { dataMoved, driftFinding, type EndpointDrift, retrainingEvent, retrainingReasons } from './conclude.ts';

const psiGauge = gauge(
  'slipway_drift_psi',
  'Population stability index of the newest window against the reference profile',
  ['endpoint', 'version', 'feature'],
);
const movedGauge = gauge('slipway_drift_moved', '1 while the inputs have moved', ['endpoint', 'version']);
const retrainingTotal = counter('slipway_retraining_total', 'Retraining asked for', ['model', 'reason']);

/** Looks in a row at which the data must have moved before that is lasting. */
const LASTING = 3;

export type WatchParts = {
  histograms: HistogramStore;
  producer: RecordProducer;
  log: Logger;
  source: string;
  lookMs: number;
  cooldownMs: number;
};

/** Watches every endpoint whose version came with a reference profile, whether a rollout is under way or not. */
export class DriftWatch {
  private readonly parts: WatchParts;
  private readonly routes = new Map<string, Route>();
  /** By `model:version`. */
  private readonly references = new Map<string, Reference>();
  /** The last look at each endpoint. */
  readonly latest = new Map<string, EndpointDrift>();
  private readonly asked = new Map<string, number>();
  private readonly loop: PacedLoop;

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.loop = new PacedLoop(() => this.lookAtAll(), parts.lookMs);
  }

  apply(endpoint: string, route: Route | undefined): void {
    if (route) this.routes.set(endpoint, route);
    else {
      this.routes.delete(endpoint);
      this.latest.delete(endpoint);
    }
  }

  /** @param key `model:version` */
  applyReference(key: string, reference: Reference | undefined): void {
    if (reference) this.references.set(key, reference);
    else this.references.delete(key);
  }

  start(): void {
    this.loop.start();
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  private async lookAtAll(): Promise<void> {
    for (const route of [...this.routes.values()]) {
      await this.look(route).catch((error: unknown) =>
        this.parts.log.warn(
          { endpoint: route.endpoint, error: (error as Error).message },
          'the look for drift failed; the next look tries again',
        ),
      );
    }
  }

  private async look(route: Route): Promise<void> {
    const { histograms } = this.parts;
    const { endpoint } = route;
    const { target } = mainBranch(route);
    const version = formatVersion(target);
    const profile = this.references.get(version)?.profile;
    const last = await histograms.lastWindow();
    const depth = DRIFT_RULE.m + LASTING - 1;
    const common = { endpoint, version, looked_at: steadyNow(), since: histograms.windowStart(last - depth + 1) };
    if (!profile) {
      this.latest.set(endpoint, {
        ...common,
        state: 'no_profile',
        note:
          `${version} has no reference profile (GET ` +
          `/v1/models/${target.model}/versions/${target.version} says why)`,
        inputs: null,
        outputs: null,
        lasting: false,
        losses: [],
      });
      return;
    }
    const of = (side: 'input' | 'output') => profile.features.filter((f) => f.side === side);
    const inputs = await histograms.againstReference(endpoint, of('input'), last, depth);
    const outputs = await histograms.againstReference(endpoint, of('output'), last, DRIFT_RULE.m, version);
    const judgedInputs = inputs.length > 0 ? judgeDrift(inputs) : null;
    const losses = [];
    for (const l of profile.losses)
      losses.push({
        outcome: l.outcome,
        output: l.output,
        ...judgeLoss(l, await histograms.losses(endpoint, version, l.outcome, l.output, last, LOSS_RULE.m)),
      });
    const drift: EndpointDrift = {
      ...common,
      state: judgedInputs?.state ?? 'no_profile',
      note: judgedInputs ? '' : 'the profile has no inputs',
      inputs: judgedInputs,
      outputs: outputs.length > 0 ? judgeDrift(outputs) : null,
      lasting: lasts(inputs),
      losses,
    };
    this.latest.set(endpoint, drift);
    for (const f of [...(drift.inputs?.features ?? []), ...(drift.outputs?.features ?? [])])
      if (f.psi !== null) psiGauge.set({ endpoint, version, feature: f.feature }, f.psi);
    movedGauge.set({ endpoint, version }, dataMoved(drift.inputs) ? 1 : 0);
    await this.askForRetraining(drift, target);
  }

  private async askForRetraining(drift: EndpointDrift, { model, version }: Target): Promise<void> {
    const { histograms, producer, log, source, cooldownMs } = this.parts;
    const reasons = retrainingReasons(drift);
    if (reasons.length === 0) return;
    const now = steadyNow();
    // Each reason is given once in the cool-down; the table may lag a moment behind what this process has said.
    const said = new Set(await histograms.reasonsSaid(model, version, now - cooldownMs));
    const fresh = reasons.filter(
      (r) => !said.has(r) && now - (this.asked.get(`${drift.version} ${r}`) ?? Number.NEGATIVE_INFINITY) >= cooldownMs,
    );
    if (fresh.length === 0) return;
    const event = retrainingEvent(drift, reasons, { source, now, cooldownMs });
    await producer.publish(topics.retraining, [
      { value: event, traceparent: childTraceparent(undefined, randomBytes) },
    ]);
    for (const r of fresh) this.asked.set(`${drift.version} ${r}`, now);
    for (const r of fresh) retrainingTotal.inc({ model, reason: r.split(':')[0] as string });
    log.warn({ model, reasons }, event.sentence);
  }

  /** What drift says of a rollout now; nothing of one that did not ask and whose version has no profile. */
  async finding(rollout: Rollout): Promise<Finding | undefined> {
    const drift = this.latest.get(rollout.spec.endpoint);
    if (!drift || !this.routes.has(rollout.spec.endpoint)) return undefined;
    if (drift.state === 'no_profile' && !rollout.spec.drift) return undefined;
    const profile = this.references.get(formatVersion(rollout.control))?.profile;
    const outputs = profile?.features.filter((f) => f.side === 'output') ?? [];
    const arms =
      outputs.length > 0 && rollout.weight > 0 && rollout.weight < 1
        ? judgeDrift(
            await this.parts.histograms.betweenArms(
              rollout.spec.endpoint,
              rollout.id,
              outputs,
              await this.parts.histograms.lastWindow(),
              DRIFT_RULE.m,
            ),
          )
        : null;
    return driftFinding(drift, arms, rollout);
  }
}

/** The data had moved at each of the last looks, too. */
function lasts(windows: readonly DriftWindow[]): boolean {
  return Array.from({ length: LASTING }, (_, back) => windows.slice(0, windows.length - back)).every(
    (w) => w.length >= DRIFT_RULE.m && dataMoved(judgeDrift(w)),
  );
}
