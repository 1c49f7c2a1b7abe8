import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { keyInputSchema, keyQuerySchema } from '@slipway/contracts';
import { parseOrProblem } from '@slipway/core';
import { steadyNow } from '@slipway/platform';
import { z } from 'zod';
import type { Actor } from '../actor/actor.ts';
import { appendAudit } from '../audit/audit.store.ts';
import { Database } from '../database/database.store.ts';
import { RouteStore } from '../route/route.store.ts';
import { Caller, Needs } from '../access/access.controller.ts';
import { KeyStore } from '../access/key.store.ts';

const idSchema = z.object({ id: z.uuid() });

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

  @Get()
  @Needs('admin')
  list(@Query() query: unknown) {
    const { cursor, limit } = parseOrProblem(keyQuerySchema, query);
    return this.keys.list(cursor, limit);
  }

  @Post(':id/revoke')
  @HttpCode(200)
  @Needs('admin')
  async revoke(@Param('id') text: string, @Caller() actor: Actor) {
    const { id } = parseOrProblem(idSchema, { id: text });
    const now = steadyNow();
    const revoked = await this.database.transaction(async (sql) => {
      const { key, fresh } = await this.keys.revoke(sql, id, now);
      if (!fresh) return key;
      await appendAudit(sql, {
        aggregate: `key/${id}`,
        actor,
        action: 'revoke',
        reason: '',
        state: { id, name: key.name, role: key.role, revoked_at: now },
        now,
      });
      await this.routes.recompileAll(sql, now);
      return key;
    });
    this.keys.forget();
    this.routes.published();
    return revoked;
  }
}
