import type { AnalyserConfig, AnalyserContext, Feature } from '@slipway/platform';
import { IngestWatch } from './ingest-watch.store.ts';

/** Attaches a Kafka table of ClickHouse again that has lost its consumer group. */
export function ingestWatch({ kafka, clickhouse, log, onClose }: AnalyserContext<AnalyserConfig>): Feature {
  const watch = new IngestWatch(kafka, clickhouse, log);
  onClose('ingest watch', () => watch.close());
  return { started: () => watch.start() };
}
