import { Controller, Header, Req, Res, UseGuards } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { type Asked, Operation, steadyNow } from '@slipway/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Database } from '../database/database.store.ts';
import { TrialGuard } from '../trial/trial.guard.ts';
import { evidenceLog } from './evidence.store.ts';
import { findRollout, RolloutStore } from './rollout.store.ts';
import { RolloutEvents } from './rollout-events.loop.ts';

const { rollouts } = registryApi;

@Controller()
export class RolloutController {
  private readonly database: Database;
  private readonly rollouts: RolloutStore;
  private readonly streams: RolloutEvents;
  constructor(database: Database, rollouts: RolloutStore, streams: RolloutEvents) {
    this.database = database;
    this.rollouts = rollouts;
    this.streams = streams;
  }

  @Operation(rollouts.list)
  list({ query }: Asked<typeof rollouts.list>) {
    return this.rollouts.list(query);
  }

  @Operation(rollouts.create)
  @UseGuards(TrialGuard)
  create({ body, caller }: Asked<typeof rollouts.create>) {
    return this.rollouts.create(body, caller, steadyNow());
  }

  @Operation(rollouts.get)
  get({ params: { id } }: Asked<typeof rollouts.get>) {
    return findRollout(this.database, id);
  }

  @Operation(rollouts.command)
  command({ params: { id }, body, caller }: Asked<typeof rollouts.command>) {
    return this.rollouts.command(id, body, caller, steadyNow());
  }

  @Operation(rollouts.evidence)
  async evidence({ params: { id }, query: { cursor, limit } }: Asked<typeof rollouts.evidence>) {
    await findRollout(this.database, id);
    return evidenceLog(this.database, id, cursor, limit);
  }

  /** Streams the state and the evidence when one of them has changed, as server-sent events. */
  @Operation(rollouts.events)
  @Header('cache-control', 'no-store')
  async events(
    { params: { id }, caller }: Asked<typeof rollouts.events>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    this.streams.requireRoom();
    await findRollout(this.database, id);
    reply.hijack();
    const out = reply.raw;
    out.setHeader('content-type', 'text/event-stream').setHeader('cache-control', 'no-store');
    if (request.method === 'HEAD') return void out.end();
    this.streams.follow(id, out, caller.id);
  }
}
