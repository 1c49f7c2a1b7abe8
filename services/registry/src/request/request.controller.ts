import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ProblemError } from '@slipway/core';
import type { ClickHouseClient } from '@slipway/platform';
import { Needs } from '../access/access.controller.ts';
import { Database } from '../database/database.store.ts';
import { explain } from '@slipway/routing';
import { originOf } from './origin.store.ts';
import { findServed } from './request.store.ts';

export const CLICKHOUSE = Symbol('clickhouse');

/** What served a request, and why. The one place in which the registry reads ClickHouse. */
@Controller('v1/requests')
export class RequestController {
  private readonly clickhouse: ClickHouseClient | null;
  private readonly database: Database;
  constructor(@Inject(CLICKHOUSE) clickhouse: ClickHouseClient | null, database: Database) {
    this.clickhouse = clickhouse;
    this.database = database;
  }

  @Get(':id')
  @Needs('viewer')
  async get(@Param('id') id: string) {
    if (!this.clickhouse)
      throw new ProblemError('not_found', 'this registry has no CLICKHOUSE_URL, so it knows no requests');
    const row = await findServed(this.clickhouse, id);
    if (!row)
      throw new ProblemError(
        'not_found',
        `there is no row of a request ${id}; a row is there about a second after its answer`,
      );
    return explain(row, await originOf(this.database, row));
  }
}
