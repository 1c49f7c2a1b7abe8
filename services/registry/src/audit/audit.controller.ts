import { Controller, Get, Query } from '@nestjs/common';
import { auditQuerySchema } from '@slipway/contracts';
import { parseOrProblem } from '@slipway/core';
import { Needs } from '../access/access.controller.ts';
import { Database } from '../database/database.store.ts';
import { listAudit } from './audit.store.ts';
import { AuditVerifier } from './audit-verifier.store.ts';

@Controller('v1/audit')
export class AuditController {
  private readonly database: Database;
  private readonly verifier: AuditVerifier;
  constructor(database: Database, verifier: AuditVerifier) {
    this.database = database;
    this.verifier = verifier;
  }

  @Get()
  @Needs('viewer')
  list(@Query() query: unknown) {
    return listAudit(this.database, parseOrProblem(auditQuerySchema, query));
  }

  @Get('verification')
  @Needs('viewer')
  verify() {
    return this.verifier.verify();
  }
}
