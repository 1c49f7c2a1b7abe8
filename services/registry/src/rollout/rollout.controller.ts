import { Body, Controller, Get, Header, Param, Post, Query, Req, Res } from '@nestjs/common';
import { commandSchema, rolloutSpecSchema } from '@slipway/release';
import { evidenceQuerySchema, mayActAs, rolloutQuerySchema } from '@slipway/contracts';
import { parseOrProblem, ProblemError } from '@slipway/core';
import { steadyNow } from '@slipway/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller, Needs } from '../access/access.controller.ts';
import type { Actor } from '../actor/actor.ts';
import { Database } from '../database/database.store.ts';
import { evidenceLog } from './evidence.store.ts';
import { findRollout, RolloutStore } from './rollout.store.ts';
import { RolloutEvents } from './rollout-events.loop.ts';

@Controller('v1/rollouts')
export class RolloutController {
  private readonly database: Database;
  private readonly rollouts: RolloutStore;
  private readonly streams: RolloutEvents;
  constructor(database: Database, rollouts: RolloutStore, streams: RolloutEvents) {
    this.database = database;
    this.rollouts = rollouts;
    this.streams = streams;
  }

  @Get()
  @Needs('viewer')
  list(@Query() query: unknown) {
    return this.rollouts.list(parseOrProblem(rolloutQuerySchema, query));
  }

  @Post()
  @Needs('operator')
  create(@Body() body: unknown, @Caller() actor: Actor) {
    return this.rollouts.create(parseOrProblem(rolloutSpecSchema, body), actor, steadyNow());
  }

  @Get(':id')
  @Needs('viewer')
  get(@Param('id') id: string) {
    return findRollout(this.database, id);
  }

  @Post(':id/commands')
  @Needs('viewer')
  async command(
    @Param('id') id: string,
    @Body() body: unknown,
    @Caller() actor: Actor,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const command = parseOrProblem(commandSchema, body);
    const needed = command.command === 'approve' ? 'approver' : 'operator';
    if (actor.role === 'system' || !mayActAs(actor.role, needed))
      throw new ProblemError(
        'forbidden',
        `"${command.command}" needs the role ${needed}; the key "${actor.name}" has the role ${actor.role}`,
      );
    void reply.status(200);
    return this.rollouts.command(id, command, actor, steadyNow());
  }

  @Get(':id/evidence')
  @Needs('viewer')
  async evidence(@Param('id') id: string, @Query() query: unknown) {
    const { cursor, limit } = parseOrProblem(evidenceQuerySchema, query);
    await findRollout(this.database, id);
    return evidenceLog(this.database, id, cursor, limit);
  }

  /** The state and the evidence whenever one of them has changed, as server-sent events. */
  @Get(':id/events')
  @Needs('viewer')
  @Header('cache-control', 'no-store')
  async events(
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Caller() actor: Actor,
  ) {
    this.streams.requireRoom();
    await findRollout(this.database, id);
    reply.hijack();
    const out = reply.raw;
    out.setHeader('content-type', 'text/event-stream').setHeader('cache-control', 'no-store');
    if (request.method === 'HEAD') return void out.end();
    this.streams.follow(id, out, actor.id ?? '');
  }
}
