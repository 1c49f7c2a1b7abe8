import { driftApi } from '@slipway/contracts';
import { type AnalyserContext, analyserModule } from '@slipway/platform';
import { ANALYSERS } from '@slipway/release';
import type { Config } from './config.ts';
import { HistogramStore } from './histogram/histogram.store.ts';
import { LabelStore } from './label/label.store.ts';
import { watchFeature } from './watch/watch.module.ts';

/** Compares live data with the training data of a version, whether or not a rollout is under way. */
export const driftMonitor = analyserModule(ANALYSERS.drift, (context: AnalyserContext<Config>) => {
  const { config, clickhouse } = context;
  const stores = {
    histograms: new HistogramStore(clickhouse, config.WINDOW_MS),
    labels: new LabelStore(clickhouse, config.WINDOW_MS),
  };
  const { watch, feature } = watchFeature(stores, context);
  return { look: async (rollout, now) => watch.finding(rollout, now), api: driftApi, ...feature };
});
