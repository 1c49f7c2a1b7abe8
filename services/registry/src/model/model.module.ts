import { type Feature, provided } from '@slipway/platform';
import type { ArtifactStore } from '../artifact/artifact.store.ts';
import type { Database } from '../database/database.store.ts';
import { ModelController } from './model.controller.ts';
import { ModelStore } from './model.store.ts';

/**
 * Models and their versions.
 *
 * @param hosts that artifacts and targets of a version may name
 * @param registered called when there is a new version for workers to try
 */
export function modelFeature(
  database: Database,
  artifacts: ArtifactStore,
  hosts: ConstructorParameters<typeof ModelStore>[2],
  registered: () => void,
): Feature {
  return {
    controllers: [ModelController],
    providers: [provided(ModelStore, new ModelStore(database, artifacts, hosts, registered))],
  };
}
