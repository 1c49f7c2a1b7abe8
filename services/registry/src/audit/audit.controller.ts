import { Controller } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { type Asked, Operation } from '@slipway/platform';
import { Database } from '../database/database.store.ts';
import { listAudit } from './audit.store.ts';
import { AuditVerifier } from './audit-verifier.store.ts';

const { audit } = registryApi;

@Controller()
export class AuditController {
  private readonly database: Database;
  private readonly verifier: AuditVerifier;
  constructor(database: Database, verifier: AuditVerifier) {
    this.database = database;
    this.verifier = verifier;
  }

  @Operation(audit.list)
  list({ query }: Asked<typeof audit.list>) {
    return listAudit(this.database, query);
  }

  @Operation(audit.verify)
  verify() {
    return this.verifier.verify();
  }
}
