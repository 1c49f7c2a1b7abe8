import { topics } from '@slipway/contracts';
import { ByteBudget, measured, type ServiceContext } from '@slipway/platform';
import type { OpenJournal } from '../journal/journal.module.ts';
import type { RowJournal } from '../journal/rows.journal.ts';
import { InferProxy, type InferProxyParts } from './infer.proxy.ts';

/** The hot path: requests to models, in every protocol. @param boot names this life of the process */
export function inference(
  parts: Pick<InferProxyParts, 'access' | 'routes' | 'ejections' | 'client' | 'shadow' | 'boot'>,
  openJournal: OpenJournal,
  config: {
    INSTANCE_ID: string;
    JOURNAL_MAX_BYTES: number;
    JOURNAL_FULL: InferProxyParts['journalFull'];
    MAX_BYTES_IN_FLIGHT: number;
    MAX_BODY_BYTES: number;
    UPLOAD_TIMEOUT_MS: number;
    MAX_LOGGED_BYTES: number;
    WORKER_KEY?: string | undefined;
  },
  { log }: ServiceContext,
): { proxy: InferProxy; predictions: RowJournal } {
  const predictions = openJournal('predictions', config.JOURNAL_MAX_BYTES, { topic: topics.predictions });
  const bytes = new ByteBudget(config.MAX_BYTES_IN_FLIGHT);
  measured('slipway_router_bytes_in_flight', 'Bytes of the bodies of requests that are under way', [], () => [
    { labels: {}, value: bytes.used },
  ]);
  const proxy = new InferProxy({
    ...parts,
    journal: predictions,
    log,
    router: config.INSTANCE_ID,
    bytes,
    maxBodyBytes: config.MAX_BODY_BYTES,
    uploadTimeoutMs: config.UPLOAD_TIMEOUT_MS,
    maxLoggedBytes: config.MAX_LOGGED_BYTES,
    journalFull: config.JOURNAL_FULL,
    workerKey: config.WORKER_KEY,
  });
  return { proxy, predictions };
}
