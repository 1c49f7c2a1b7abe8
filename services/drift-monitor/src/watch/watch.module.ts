import { topics } from '@slipway/contracts';
import { type AnalyserConfig, type AnalyserContext, type Feature, provided, StateReplica } from '@slipway/platform';
import type { HistogramStore } from '../histogram/histogram.store.ts';
import type { LabelStore } from '../label/label.store.ts';
import { DriftController } from './drift.controller.ts';
import { DriftWatch } from './drift-watch.client.ts';

/** Looks at every endpoint whose version has a reference profile. */
export function watchFeature(
  stores: { histograms: HistogramStore; labels: LabelStore },
  context: AnalyserContext<AnalyserConfig & { COOLDOWN_MS: number }>,
): { watch: DriftWatch; feature: Feature } {
  const { config, log, kafka, producer, deadLetters, source, onClose } = context;
  const { LOOK_MS: lookMs, COOLDOWN_MS: cooldownMs } = config;
  const watch = new DriftWatch({ ...stores, producer, log, source, lookMs, cooldownMs, freshMs: config.EXPIRY_MS });
  const reading = { kafka, groupId: config.INSTANCE_ID, log, deadLetters };
  const replicas = {
    routes: new StateReplica({ ...reading, topic: topics.routes, onState: (e, route) => watch.apply(e, route) }),
    profiles: new StateReplica({
      ...reading,
      topic: topics.profiles,
      onState: (key, reference) => watch.applyReference(key, reference),
    }),
  };
  onClose('replicas', async () => void (await Promise.all(Object.values(replicas).map((r) => r.close()))));
  onClose('watch', () => watch.close());
  return {
    watch,
    feature: {
      controllers: [DriftController],
      providers: [provided(DriftWatch, watch)],
      readiness: Object.entries(replicas).map(([name, replica]) => ({ name, ready: () => replica.isReady })),
      started: () => {
        for (const replica of Object.values(replicas)) replica.start();
        // Without this wait, a version whose profile has not been read yet would count as one without a profile.
        void replicas.profiles.ready.then(() => watch.start());
      },
    },
  };
}
