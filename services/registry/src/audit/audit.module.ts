import { dirname, join } from 'node:path';
import { type Feature, type KafkaClient, provided, type ServiceContext, steadyNow } from '@slipway/platform';
import type { Database } from '../database/database.store.ts';
import { AuditController } from './audit.controller.ts';
import { openAuditKey } from './audit-key.store.ts';
import { AuditVerifier } from './audit-verifier.store.ts';

/** The REST of the audit, and its verification against the topic. */
export function auditFeature(
  { database, kafka }: { database: Database; kafka: KafkaClient },
  config: { AUDIT_KEY_FILE: string; AUDIT_KEYS_DIR?: string | undefined },
  { log }: ServiceContext,
): Feature {
  const folder = config.AUDIT_KEYS_DIR ?? join(dirname(config.AUDIT_KEY_FILE), 'audit-keys');
  const key = openAuditKey(config.AUDIT_KEY_FILE, folder, steadyNow());
  return {
    controllers: [AuditController],
    providers: [provided(AuditVerifier, new AuditVerifier(database, kafka, key, log))],
  };
}
