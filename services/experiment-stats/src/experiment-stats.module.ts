import { statsApi } from '@slipway/contracts';
import { analyserModule, together } from '@slipway/platform';
import { ANALYSERS } from '@slipway/release';
import { Analysis } from './analysis/analyse.store.ts';
import { ingestWatch } from './ingest/ingest.module.ts';
import { rebuild } from './rebuild/rebuild.module.ts';

/** Counts what happened in each arm, judges it, and can judge again what it judged before. */
export const experimentStats = analyserModule(ANALYSERS.traffic, (context) => {
  const analysis = new Analysis(context.clickhouse);
  return {
    look: (rollout, now) => analysis.look(rollout, now),
    prepare: (rollouts, now) => analysis.prepare(rollouts, now),
    forget: (id) => analysis.forget(id),
    api: statsApi,
    ...together(ingestWatch(context), rebuild(context, analysis)),
  };
});
