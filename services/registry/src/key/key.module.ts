import { type Feature, provided, steadyNow } from '@slipway/platform';
import { KeyStore } from '../access/key.store.ts';
import type { Database } from '../database/database.store.ts';
import { KeyController } from './key.controller.ts';

/** API keys: who may call the registry, and their REST. @param bootstrap keys that exist from the start */
export async function keyFeature(
  database: Database,
  bootstrap: Parameters<KeyStore['admit']>[0],
): Promise<{ keys: KeyStore; feature: Feature }> {
  const keys = new KeyStore(database);
  await keys.admit(bootstrap, steadyNow());
  return { keys, feature: { controllers: [KeyController], providers: [provided(KeyStore, keys)] } };
}
