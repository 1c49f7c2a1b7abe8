import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { listQuerySchema, metricSchema, parseOrProblem } from '@slipway/contracts';
import { steadyNow } from '@slipway/platform';
import { Caller, Needs } from '../access/access.controller.ts';
import type { Actor } from '../audit/audit.store.ts';
import { Database } from '../database/database.store.ts';
import { listMetrics, putMetric } from './metric.store.ts';

@Controller('v1/metrics')
export class MetricController {
  private readonly database: Database;
  constructor(database: Database) {
    this.database = database;
  }

  @Get()
  @Needs('viewer')
  list(@Query() query: unknown) {
    const { cursor, limit } = parseOrProblem(listQuerySchema, query);
    return listMetrics(this.database, cursor, limit);
  }

  @Put(':name')
  @Needs('publisher')
  put(@Param('name') name: string, @Body() body: object, @Caller() actor: Actor) {
    return putMetric(this.database, parseOrProblem(metricSchema, { ...body, name }), actor, steadyNow());
  }
}
