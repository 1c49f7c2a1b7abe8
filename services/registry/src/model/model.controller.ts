import { Controller, Res } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { type Asked, Operation, steadyNow } from '@slipway/platform';
import type { FastifyReply } from 'fastify';
import { ModelStore } from './model.store.ts';

const { models, versions } = registryApi;

@Controller()
export class ModelController {
  private readonly models: ModelStore;
  constructor(models: ModelStore) {
    this.models = models;
  }

  @Operation(models.list)
  list({ query: { cursor, limit } }: Asked<typeof models.list>) {
    return this.models.list(cursor, limit);
  }

  @Operation(models.create)
  create({ body, caller }: Asked<typeof models.create>) {
    return this.models.create(body, caller, steadyNow());
  }

  @Operation(models.retire)
  retire({ params: { model }, body: { reason }, caller }: Asked<typeof models.retire>) {
    return this.models.retire(model, reason, caller, steadyNow());
  }

  @Operation(models.delete)
  remove({ params: { model }, caller }: Asked<typeof models.delete>) {
    return this.models.remove(model, caller, steadyNow());
  }

  @Operation(versions.list)
  versions({ params: { model }, query: { cursor, limit } }: Asked<typeof versions.list>) {
    return this.models.versions(model, cursor, limit);
  }

  @Operation(versions.register)
  async register(
    { params: { model }, body, caller }: Asked<typeof versions.register>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { version, created } = await this.models.register(model, body, caller, steadyNow());
    void reply.status(created ? 201 : 200);
    return version;
  }

  @Operation(versions.get)
  version({ params: { model, version } }: Asked<typeof versions.get>) {
    return this.models.version(model, version);
  }

  @Operation(versions.delete)
  removeVersion({ params: { model, version }, caller }: Asked<typeof versions.delete>) {
    return this.models.removeVersion(model, version, caller, steadyNow());
  }
}
