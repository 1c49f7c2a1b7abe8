import { Controller, Get, Query } from '@nestjs/common';
import { auditQuerySchema, parseOrProblem } from '@slipway/contracts';
import { Needs } from '../access/access.controller.ts';
import { Database } from '../database/database.store.ts';
import { listAudit, verifyAudit } from './audit.store.ts';

@Controller('v1/audit')
export class AuditController {
  private readonly database: Database;
  constructor(database: Database) {
    this.database = database;
  }

  @Get()
  @Needs('viewer')
  list(@Query() query: unknown) {
    return listAudit(this.database, parseOrProblem(auditQuerySchema, query));
  }

  @Get('verification')
  @Needs('viewer')
  verify() {
    return verifyAudit(this.database);
  }
}
