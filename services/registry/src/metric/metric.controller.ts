import { Controller } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { type Asked, Operation, steadyNow } from '@slipway/platform';
import { Database } from '../database/database.store.ts';
import { Republish } from '../outbox/republish.ts';
import { listMetrics, putMetric } from './metric.store.ts';

const { metrics } = registryApi;

@Controller()
export class MetricController {
  private readonly database: Database;
  private readonly routes: Republish;
  constructor(database: Database, routes: Republish) {
    this.database = database;
    this.routes = routes;
  }

  @Operation(metrics.list)
  list({ query: { cursor, limit } }: Asked<typeof metrics.list>) {
    return listMetrics(this.database, cursor, limit);
  }

  @Operation(metrics.put)
  async put({ params: { name }, body, caller }: Asked<typeof metrics.put>) {
    const now = steadyNow();
    // The routers learn from the routes which outcomes metrics read.
    const put = await putMetric(this.database, { ...body, name }, caller, now, (sql) =>
      this.routes.recompileAll(sql, now),
    );
    this.routes.published();
    return put;
  }
}
