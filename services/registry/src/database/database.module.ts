import { type Feature, postgresTls, provided, type ServiceContext } from '@slipway/platform';
import { openPostgres } from '@slipway/platform/postgres.store';
import { ControlPlane1700000000001 } from './0001-control-plane.migration.ts';
import { Database } from './database.store.ts';

/** Postgres, migrated. */
export async function openDatabase(
  config: Parameters<typeof postgresTls>[0] & { DATABASE_URL: string; INSTANCE_ID: string },
  { onClose }: ServiceContext,
): Promise<{ database: Database; feature: Feature }> {
  const migrations = [ControlPlane1700000000001];
  const source = await openPostgres(config.DATABASE_URL, config.INSTANCE_ID, [], migrations, postgresTls(config));
  onClose('postgres', () => source.destroy());
  const database = new Database(source);
  return {
    database,
    feature: {
      providers: [provided(Database, database)],
      readiness: [{ name: 'postgres', ready: async () => (await database.query('SELECT 1')).length === 1 }],
    },
  };
}
