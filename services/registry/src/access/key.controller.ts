import { Body, Controller, Post } from '@nestjs/common';
import { keyInputSchema, parseOrProblem } from '@slipway/contracts';
import { steadyNow } from '@slipway/platform';
import { type Actor, appendAudit } from '../audit/audit.store.ts';
import { Database } from '../database/database.store.ts';
import { RouteStore } from '../route/route.store.ts';
import { Caller, Needs } from './access.controller.ts';
import { KeyStore } from './key.store.ts';

@Controller('v1/keys')
export class KeyController {
  private readonly database: Database;
  private readonly keys: KeyStore;
  private readonly routes: RouteStore;
  constructor(database: Database, keys: KeyStore, routes: RouteStore) {
    this.database = database;
    this.keys = keys;
    this.routes = routes;
  }

  @Post()
  @Needs('admin')
  async create(@Body() body: unknown, @Caller() actor: Actor) {
    const input = parseOrProblem(keyInputSchema, body);
    const now = steadyNow();
    const made = await this.database.transaction(async (sql) => {
      const key = await this.keys.create(sql, input.name, input.role, now);
      await appendAudit(sql, {
        aggregate: `key/${key.id}`,
        actor,
        action: 'create',
        reason: '',
        state: { id: key.id, name: key.name, role: key.role },
        now,
      });
      await this.routes.recompileAll(sql, now);
      return key;
    });
    this.routes.published();
    return made;
  }
}
