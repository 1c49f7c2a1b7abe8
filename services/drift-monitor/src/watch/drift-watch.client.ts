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
import { armsOf, mainBranch } from '@slipway/routing';
import { DRIFT_RULE, type DriftWindow, judgeDrift, judgeLoss, LOSS_RULE } from '@slipway/stats';
import type { HistogramStore } from '../histogram/histogram.store.ts';
import { againstReference, betweenArms, untold } from '../histogram/slices.ts';
import type { LabelStore } from '../label/label.store.ts';
import {
  dataMoved,
  driftFinding,
  type EndpointDrift,
  retrainingEvent,
  retrainingReasons,
  untoldNote,
} from './conclude.ts';

const psiGauge = gauge(
  'slipway_drift_psi',
  'Population stability index of the newest window against the reference profile',
  ['endpoint', 'version', 'feature'],
);
const movedGauge = gauge('slipway_drift_moved', '1 while the inputs have moved', ['endpoint', 'version']);
const retrainingTotal = counter('slipway_retraining_total', 'Retraining requests', ['model', 'reason']);

/** Number of consecutive looks at which the data must have moved to count as lasting drift. */
const LASTING = 3;

export type WatchParts = {
  histograms: HistogramStore;
  labels: LabelStore;
  producer: RecordProducer;
  log: Logger;
  source: string;
  lookMs: number;
  cooldownMs: number;
  /** How long the result of a look is valid, in milliseconds. */
  freshMs: number;
};

/** Watches every endpoint whose version has a reference profile, whether or not a rollout is under way. */
export class DriftWatch {
  private readonly parts: WatchParts;
  private readonly routes = new Map<string, Route>();
  /** By `model:version`. */
  private readonly references = new Map<string, Reference>();
  /** The latest look at each endpoint. */
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
      this.parts.histograms.forget(endpoint);
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
          'a look at drift failed; it is repeated at the next interval',
        ),
      );
    }
  }

  private async look(route: Route): Promise<void> {
    const { histograms, labels } = this.parts;
    const { endpoint } = route;
    const branch = mainBranch(route);
    const { target, rollout } = branch;
    const version = formatVersion(target);
    const profile = this.references.get(version)?.profile;
    const last = await histograms.lastWindow();
    const depth = DRIFT_RULE.m + LASTING - 1;
    const common = {
      ...{ endpoint, version, looked_at: steadyNow(), since: histograms.windowStart(last - depth + 1) },
      rollout_id: rollout?.id ?? '',
    };
    if (!profile) {
      this.latest.set(endpoint, {
        ...common,
        state: 'no_profile',
        note:
          `${version} has no reference profile (GET ` +
          `/v1/models/${target.model}/versions/${target.version} says why)`,
        inputs: null,
        outputs: null,
        arms: {},
        lasting: false,
        losses: [],
      });
      return;
    }
    const of = (side: 'input' | 'output') => profile.features.filter((f) => f.side === side);
    const [inputFeatures, outputFeatures] = [of('input'), of('output')];
    const slices = await histograms.read(endpoint, profile.features, histograms.span(last, depth));
    const newest = histograms.span(last, DRIFT_RULE.m);
    const inputs =
      inputFeatures.length > 0 ? againstReference(inputFeatures, slices, histograms.span(last, depth)) : [];
    const outputs = againstReference(outputFeatures, slices, newest, (g) => g.served_version === version);
    const judgedInputs = inputs.length > 0 ? judgeDrift(inputs) : null;
    const losses = [];
    for (const l of profile.losses)
      losses.push({
        outcome: l.outcome,
        output: l.output,
        ...judgeLoss(l, await labels.losses(endpoint, version, l.outcome, l.output, last, LOSS_RULE.m)),
      });
    const [control, ...candidates] = armsOf(branch);
    const drift: EndpointDrift = {
      ...common,
      state: judgedInputs?.state ?? 'no_profile',
      note: judgedInputs ? untoldNote(untold(slices, newest), profile.left_out) : 'the profile has no inputs',
      inputs: judgedInputs,
      outputs: outputFeatures.length > 0 ? judgeDrift(outputs) : null,
      arms: Object.fromEntries(
        rollout && outputFeatures.length > 0
          ? candidates.map(({ name }) => {
              const compared = { rollout: rollout.id, control: control.name, arm: name };
              return [name, judgeDrift(betweenArms(outputFeatures, slices, newest, compared))];
            })
          : [],
      ),
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
    const { labels, producer, log, source, cooldownMs } = this.parts;
    const reasons = retrainingReasons(drift);
    if (reasons.length === 0) return;
    const now = steadyNow();
    // Each reason is given once in the cool-down. The table may lag behind what this process has just published.
    const said = new Set(await labels.reasonsSaid(model, version, now - cooldownMs));
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

  /** The verdict on a rollout; undefined when the rollout does not require one and its version has no profile. */
  finding(rollout: Rollout, now: number): Finding | undefined {
    const drift = this.latest.get(rollout.spec.endpoint);
    // A look that was under way when its endpoint's route was withdrawn may have left something.
    if (!drift || !this.routes.has(rollout.spec.endpoint)) return undefined;
    if (drift.state === 'no_profile' && !rollout.spec.drift) return undefined;
    return driftFinding(drift, rollout, { now, freshMs: this.parts.freshMs });
  }
}

/** Whether the data had moved at each of the latest looks as well. */
function lasts(windows: readonly DriftWindow[]): boolean {
  return Array.from({ length: LASTING }, (_, back) => windows.slice(0, windows.length - back)).every(
    (w) => w.length >= DRIFT_RULE.m && dataMoved(judgeDrift(w)),
  );
}
