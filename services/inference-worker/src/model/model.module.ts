import { availableParallelism, totalmem } from 'node:os';
import { topics } from '@slipway/contracts';
import {
  type ByteBudget,
  type Feature,
  type Following,
  measured,
  provided,
  type ServiceContext,
  StateReplica,
  type StateReplicaParts,
} from '@slipway/platform';
import { ArtifactClient } from './artifact.client.ts';
import { ModelSet } from './model-set.client.ts';
import { TrialLoop } from './trial.loop.ts';

/** The versions that are loaded here: those that `loads.v1` names, and those that nobody has tried yet. */
export async function modelFeature(
  parts: {
    reading: StateReplicaParts;
    bytes: ByteBudget;
    /** What models' processes see of the environment. */
    env: Record<string, string>;
    /** What is loaded has changed. */
    onChange: () => void;
  },
  config: {
    ARTIFACT_HOSTS: string[];
    CACHE_DIR: string;
    CACHE_MAX_BYTES: number;
    MAX_ARTIFACT_BYTES: number;
    MAX_QUEUED_ROWS: number;
    MODEL_LOAD_DEADLINE_MS: number;
    MODEL_MEMORY_BYTES?: number | undefined;
    MODEL_RUN_DEADLINE_MS: number;
    ORT_THREADS?: number | undefined;
    REGISTRY_KEY: string;
    REGISTRY_URLS: string[];
  },
  { log, onClose }: ServiceContext,
): Promise<{ models: ModelSet; loads: Following; feature: Feature }> {
  if (config.ARTIFACT_HOSTS.includes('*')) log.warn('ARTIFACT_HOSTS is *: artifacts are fetched from any host');
  const artifacts = new ArtifactClient({
    folder: config.CACHE_DIR,
    key: config.REGISTRY_KEY,
    registryUrls: config.REGISTRY_URLS,
    allowedHosts: config.ARTIFACT_HOSTS,
    maxBytes: config.MAX_ARTIFACT_BYTES,
    cacheBytes: config.CACHE_MAX_BYTES,
  });
  await artifacts.forgetPartials();
  const models = new ModelSet({
    artifacts,
    log,
    threads: config.ORT_THREADS ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    maxQueuedRows: config.MAX_QUEUED_ROWS,
    bytes: parts.bytes,
    limits: {
      runDeadlineMs: config.MODEL_RUN_DEADLINE_MS,
      loadDeadlineMs: config.MODEL_LOAD_DEADLINE_MS,
      memoryBytes: config.MODEL_MEMORY_BYTES ?? Math.floor(memoryHere() / 2),
      env: parts.env,
    },
    onChange: parts.onChange,
  });
  onClose('models', () => models.close());
  const trials = new TrialLoop({ models, registryUrls: config.REGISTRY_URLS, key: config.REGISTRY_KEY, log });
  onClose('trials', () => trials.close());
  measured('slipway_worker_waiting_rows', 'Rows waiting for a batch', ['model', 'version'], () =>
    models.all().map(({ spec, waitingRows }) => ({
      labels: { model: spec.model, version: String(spec.version) },
      value: waitingRows,
    })),
  );
  return {
    models,
    loads: new StateReplica({
      ...parts.reading,
      topic: topics.loads,
      onState: (key, load) => models.keep(key, load),
    }),
    feature: {
      providers: [provided(ModelSet, models)],
      started: () => {
        models.start();
        trials.start();
      },
    },
  };
}

/** Memory of the machine, or of the container where that has less. */
function memoryHere(): number {
  const container = process.constrainedMemory();
  return container > 0 ? Math.min(totalmem(), container) : totalmem();
}
