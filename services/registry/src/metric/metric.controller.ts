import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { listQuerySchema, metricInputSchema } from '@slipway/contracts';
import { metricSchema } from '@slipway/release';
import { parseOrProblem } from '@slipway/core';
import { steadyNow } from '@slipway/platform';
import { Caller, Needs } from '../access/access.controller.ts';
import type { Actor } from '../actor/actor.ts';
import { Database } from '../database/database.store.ts';
import { Republish } from '../outbox/republish.ts';
import { listMetrics, putMetric } from './metric.store.ts';

@Controller('v1/metrics')
export class MetricController {
  private readonly database: Database;
  private readonly routes: Republish;
  constructor(database: Database, routes: Republish) {
    this.database = database;
    this.routes = routes;
  }

  @Get()
  @Needs('viewer')
  list(@Query() query: unknown) {
    const { cursor, limit } = parseOrProblem(listQuerySchema, query);
    return listMetrics(this.database, cursor, limit);
  }

  @Put(':name')
  @Needs('publisher')
  async put(@Param('name') name: string, @Body() body: unknown, @Caller() actor: Actor) {
    const now = steadyNow();
    const metric = parseOrProblem(metricSchema, { ...parseOrProblem(metricInputSchema, body), name });
    // The routers know from the routes which outcomes somebody waits for.
    const put = await putMetric(this.database, metric, actor, now, (sql) => this.routes.recompileAll(sql, now));
    this.routes.published();
    return put;
  }
}
