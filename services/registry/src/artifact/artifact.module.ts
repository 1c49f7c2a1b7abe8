import { type Feature, provided, type ServiceContext, steadyNow } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import { ArtifactController } from './artifact.controller.ts';
import { ArtifactStore } from './artifact.store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Files by their digest; unfinished uploads are removed after a day. */
export function artifactFeature(
  database: Database,
  config: { ARTIFACT_DIR: string; MAX_ARTIFACT_BYTES: number },
  { log, onClose }: ServiceContext,
): { artifacts: ArtifactStore; feature: Feature } {
  const artifacts = new ArtifactStore(database, config.ARTIFACT_DIR, config.MAX_ARTIFACT_BYTES);
  const prune = () =>
    void artifacts
      .forgetPartials(steadyNow() - DAY_MS)
      .catch((error: unknown) => log.warn({ err: error }, 'unfinished uploads could not be removed'));
  const pruning = setInterval(prune, HOUR_MS);
  onClose('pruning of artifacts', () => clearInterval(pruning));
  return {
    artifacts,
    feature: { controllers: [ArtifactController], providers: [provided(ArtifactStore, artifacts)] },
  };
}
