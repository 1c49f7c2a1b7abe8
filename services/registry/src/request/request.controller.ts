import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ProblemError } from '@slipway/contracts';
import { type ClickHouseClient, queryRows } from '@slipway/platform';
import { Needs } from '../access/access.controller.ts';
import { listAudit } from '../audit/audit.store.ts';
import { Database } from '../database/database.store.ts';
import { findRollout } from '../rollout/rollout.store.ts';
import { explain, type ServedRow } from './explain.ts';

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
    if (!this.clickhouse) throw new ProblemError('not_found', 'this registry has no CLICKHOUSE_URL, so it knows no requests');
    const [row] = await queryRows<ServedRow>(
      this.clickhouse,
      `SELECT request_id, endpoint, toString(time) AS time, served_version, fallback_from, assigned_arm, probability, reason, route_revision, rollout_id, step, unit, status, error_code, latency_us, router, source, trace_id, shadow_rollout_id
       FROM slipway.predictions FINAL WHERE request_id = {id:String} ORDER BY arrived_at DESC LIMIT 1`,
      { id },
    );
    if (!row) throw new ProblemError('not_found', `there is no row of a request ${id}; a row is there about a second after its answer`);
    const ofRollout = row.rollout_id ? { rollout: await findRollout(this.database, row.rollout_id).catch(() => undefined), history: (await listAudit(this.database, { aggregate: `rollout/${row.rollout_id}`, limit: 1000 })).items } : { rollout: undefined, history: [] };
    return explain(row, ofRollout.rollout, ofRollout.history);
  }
}
