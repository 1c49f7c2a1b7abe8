import type { AccessKey } from '@slipway/contracts';
import { type Feature, provided, type ServiceContext, steadyNow } from '@slipway/platform';
import { KeyStore } from '../access/key.store.ts';
import type { Database } from '../database/database.store.ts';
import { KeyController } from './key.controller.ts';
import { takeOverKeys } from './takeover.store.ts';

/** API keys: who may call the registry, and their REST API. @param bootstrap keys that exist from the start */
export async function keyFeature(
  database: Database,
  bootstrap: Parameters<KeyStore['admit']>[0],
  { log }: ServiceContext,
): Promise<{ keys: KeyStore; takeOver: (onTopic: AccessKey[]) => Promise<void>; feature: Feature }> {
  const keys = new KeyStore(database);
  await keys.admit(bootstrap, steadyNow());
  const takeOver = async (onTopic: AccessKey[]) => {
    const revoked = await takeOverKeys(database, onTopic, steadyNow());
    keys.forget();
    if (revoked === 'foreign')
      log.error(
        { keys: onTopic.length },
        'the keys on access.v1 are those of another deployment, and stay as they are: check KAFKA_BROKERS, ' +
          'TOPIC_PREFIX and DATABASE_URL, or start with one of its keys as bootstrap key',
      );
    else if (revoked > 0)
      log.warn({ keys: revoked }, 'access.v1 was ahead of Postgres (a restore?): these keys are revoked here too');
  };
  return { keys, takeOver, feature: { controllers: [KeyController], providers: [provided(KeyStore, keys)] } };
}
