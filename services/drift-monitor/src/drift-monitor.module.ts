import { driftApi } from '@slipway/contracts';
import { type AnalyserContext, analyserModule } from '@slipway/platform';
import { ANALYSERS } from '@slipway/release';
import type { Config } from './config.ts';
import { HistogramStore } from './histogram/histogram.store.ts';
import { watchFeature } from './watch/watch.module.ts';

/** Compares live data with what a version was trained on, whether a rollout is under way or not. */
export const driftMonitor = analyserModule(ANALYSERS.drift, (context: AnalyserContext<Config>) => {
  const { config, clickhouse } = context;
  const { watch, feature } = watchFeature(new HistogramStore(clickhouse, config.WINDOW_MS), context);
  return { look: (rollout) => watch.finding(rollout), api: driftApi, ...feature };
});
