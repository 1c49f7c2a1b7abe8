import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { endpointInputSchema, listQuerySchema, retireInputSchema, rollbackInputSchema } from '@slipway/contracts';
import { nameSchema, parseOrProblem } from '@slipway/core';
import { steadyNow } from '@slipway/platform';
import { z } from 'zod';
import { Caller, Needs } from '../access/access.controller.ts';
import type { Actor } from '../actor/actor.ts';
import { Database } from '../database/database.store.ts';
import { endpointRow, endpointView, listEndpoints } from '../endpoint/endpoint.store.ts';
import { EndpointService } from './endpoint-service.store.ts';

const path = z.object({ name: nameSchema });

@Controller('v1/endpoints')
export class EndpointController {
  private readonly database: Database;
  private readonly endpoints: EndpointService;
  constructor(database: Database, endpoints: EndpointService) {
    this.database = database;
    this.endpoints = endpoints;
  }

  @Get()
  @Needs('viewer')
  list(@Query() query: unknown) {
    const { cursor, limit } = parseOrProblem(listQuerySchema, query);
    return listEndpoints(this.database, cursor, limit);
  }

  @Get(':name')
  @Needs('viewer')
  async get(@Param('name') name: string) {
    return endpointView(this.database, await endpointRow(this.database, name));
  }

  @Put(':name')
  @Needs('operator')
  put(@Param() params: unknown, @Body() body: unknown, @Caller() actor: Actor) {
    return this.endpoints.put(
      parseOrProblem(path, params).name,
      parseOrProblem(endpointInputSchema, body),
      actor,
      steadyNow(),
    );
  }

  @Delete(':name')
  @HttpCode(204)
  @Needs('operator')
  remove(@Param('name') name: string, @Caller() actor: Actor) {
    return this.endpoints.remove(name, actor, steadyNow());
  }

  @Post(':name/retire')
  @HttpCode(200)
  @Needs('operator')
  retire(@Param('name') name: string, @Body() body: unknown, @Caller() actor: Actor) {
    return this.endpoints.retire(name, parseOrProblem(retireInputSchema, body ?? {}).reason, actor, steadyNow());
  }

  @Post(':name/rollback')
  @HttpCode(200)
  @Needs('operator')
  rollback(@Param('name') name: string, @Body() body: unknown, @Caller() actor: Actor) {
    return this.endpoints.rollBack(name, parseOrProblem(rollbackInputSchema, body ?? {}), actor, steadyNow());
  }
}
