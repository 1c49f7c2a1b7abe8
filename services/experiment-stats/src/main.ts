import { ANALYSERS } from '@slipway/release';
import { statsApi } from '@slipway/contracts';
import { loadConfig, runAnalyser } from '@slipway/platform';
import { configSchema } from './config.ts';
import { Analysis } from './analysis/analyse.store.ts';
import { IngestWatch } from './ingest/ingest-watch.store.ts';
import { RebuildController } from './rebuild/rebuild.controller.ts';
import { RebuildStore } from './rebuild/rebuild.store.ts';

const config = loadConfig(configSchema, process.env);
await runAnalyser('experiment-stats', ANALYSERS.traffic, config, ({ kafka, clickhouse, log, onClose }) => {
  const analysis = new Analysis(clickhouse);
  const ingest = new IngestWatch(kafka, clickhouse, log);
  onClose('ingest watch', () => ingest.close());
  return {
    started: () => ingest.start(),
    look: (rollout, now) => analysis.look(rollout, now),
    forget: (id) => analysis.forget(id),
    api: statsApi,
    controllers: [RebuildController],
    providers: [{ provide: RebuildStore, useValue: new RebuildStore(clickhouse, analysis) }],
  };
});
