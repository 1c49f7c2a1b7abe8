import { Controller, Inject } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { ProblemError } from '@slipway/core';
import { type Asked, type ClickHouseClient, Operation } from '@slipway/platform';
import { Database } from '../database/database.store.ts';
import { explain } from '@slipway/routing';
import { originOf } from './origin.store.ts';
import { findServed } from './request.store.ts';

export const CLICKHOUSE = Symbol('clickhouse');
const { requests } = registryApi;

/** Explains which version served a request, and why. The only place where the registry reads ClickHouse. */
@Controller()
export class RequestController {
  private readonly clickhouse: ClickHouseClient | null;
  private readonly database: Database;
  constructor(@Inject(CLICKHOUSE) clickhouse: ClickHouseClient | null, database: Database) {
    this.clickhouse = clickhouse;
    this.database = database;
  }

  @Operation(requests.get)
  async get({ params: { id } }: Asked<typeof requests.get>) {
    if (!this.clickhouse)
      throw new ProblemError('not_found', 'this registry has no CLICKHOUSE_URL, so it cannot look up requests');
    const row = await findServed(this.clickhouse, id);
    if (!row)
      throw new ProblemError(
        'not_found',
        `there is no row of request ${id}; a row arrives about a second after its answer`,
      );
    return explain(row, await originOf(this.database, row));
  }
}
