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
  const routes = new StateReplica({
    kafka,
    topic: topics.routes,
    groupId: config.INSTANCE_ID,
    log,
    deadLetters,
    onState: (endpoint, route) => watch.apply(endpoint, route),
  });
  onClose('routes', () => routes.close());
  onClose('watch', () => watch.close());
  return {
    look: (rollout) => watch.finding(rollout),
    api: driftApi,
    controllers: [DriftController],
    providers: [{ provide: DriftWatch, useValue: watch }],
    readiness: [{ name: 'routes', ready: () => routes.isReady }],
    started: () => {
      routes.start();
      watch.start();
    },
  };
});
