import { ANALYSERS } from '@slipway/release';
import { driftApi, topics } from '@slipway/contracts';
import { loadConfig, runAnalyser, StateReplica } from '@slipway/platform';
import { configSchema } from './config.ts';
import { HistogramStore } from './histogram/histogram.store.ts';
import { DriftController } from './watch/drift.controller.ts';
import { DriftWatch } from './watch/drift-watch.client.ts';

const config = loadConfig(configSchema, process.env);
await runAnalyser('drift-monitor', ANALYSERS.drift, config, (context) => {
  const { log, kafka, producer, deadLetters, clickhouse, source, onClose } = context;
  const watch = new DriftWatch({
    histograms: new HistogramStore(clickhouse, config.WINDOW_MS),
    producer,
    log,
    source,
    lookMs: config.LOOK_MS,
    cooldownMs: config.COOLDOWN_MS,
  });
  const state = { kafka, groupId: config.INSTANCE_ID, log, deadLetters };
  const replicas = {
    routes: new StateReplica({ ...state, topic: topics.routes, onState: (e, route) => watch.apply(e, route) }),
    profiles: new StateReplica({
      ...state,
      topic: topics.profiles,
      onState: (key, reference) => watch.applyReference(key, reference),
    }),
  };
  onClose('replicas', async () => void (await Promise.all(Object.values(replicas).map((r) => r.close()))));
  onClose('watch', () => watch.close());
  return {
    look: (rollout) => watch.finding(rollout),
    api: driftApi,
    controllers: [DriftController],
    providers: [{ provide: DriftWatch, useValue: watch }],
    readiness: Object.entries(replicas).map(([name, replica]) => ({ name, ready: () => replica.isReady })),
    started: () => {
      for (const replica of Object.values(replicas)) replica.start();
      // A version whose profile is not known yet would count as one without.
      void replicas.profiles.ready.then(() => watch.start());
    },
  };
});
