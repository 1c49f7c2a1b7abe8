import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import {
  listQuerySchema,
  modelInputSchema,
  retireInputSchema,
  versionInputSchema,
  versionQuerySchema,
} from '@slipway/contracts';
import { parseOrProblem, versionNumberSchema } from '@slipway/core';
import { steadyNow } from '@slipway/platform';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Caller, Needs } from '../access/access.controller.ts';
import type { Actor } from '../actor/actor.ts';
import { ModelStore } from './model.store.ts';

const pathVersion = z.object({
  version: z
    .string()
    .regex(/^\d{1,7}$/, 'a whole number')
    .transform(Number)
    .pipe(versionNumberSchema),
});

@Controller('v1/models')
export class ModelController {
  private readonly models: ModelStore;
  constructor(models: ModelStore) {
    this.models = models;
  }

  @Get()
  @Needs('viewer')
  list(@Query() query: unknown) {
    const { cursor, limit } = parseOrProblem(listQuerySchema, query);
    return this.models.list(cursor, limit);
  }

  @Post()
  @Needs('publisher')
  create(@Body() body: unknown, @Caller() actor: Actor) {
    return this.models.create(parseOrProblem(modelInputSchema, body), actor, steadyNow());
  }

  @Get(':model/versions')
  @Needs('viewer')
  versions(@Param('model') model: string, @Query() query: unknown) {
    const { cursor, limit } = parseOrProblem(versionQuerySchema, query);
    return this.models.versions(model, cursor, limit);
  }

  @Post(':model/versions')
  @Needs('publisher')
  async register(
    @Param('model') model: string,
    @Body() body: unknown,
    @Caller() actor: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { version, created } = await this.models.register(
      model,
      parseOrProblem(versionInputSchema, body),
      actor,
      steadyNow(),
    );
    void reply.status(created ? 201 : 200);
    return version;
  }

  @Get(':model/versions/:version')
  @Needs('viewer')
  version(@Param('model') model: string, @Param('version') version: string) {
    return this.models.version(model, parseOrProblem(pathVersion, { version }).version);
  }

  @Delete(':model/versions/:version')
  @HttpCode(204)
  @Needs('publisher')
  removeVersion(@Param('model') model: string, @Param('version') version: string, @Caller() actor: Actor) {
    return this.models.removeVersion(model, parseOrProblem(pathVersion, { version }).version, actor, steadyNow());
  }

  @Post(':model/retire')
  @HttpCode(200)
  @Needs('publisher')
  retire(@Param('model') model: string, @Body() body: unknown, @Caller() actor: Actor) {
    return this.models.retire(model, parseOrProblem(retireInputSchema, body ?? {}).reason, actor, steadyNow());
  }

  @Delete(':model')
  @HttpCode(204)
  @Needs('publisher')
  remove(@Param('model') model: string, @Caller() actor: Actor) {
    return this.models.remove(model, actor, steadyNow());
  }
}
