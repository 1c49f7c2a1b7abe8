import { Controller } from '@nestjs/common';
import { registryApi } from '@slipway/contracts';
import { type Asked, Operation, steadyNow } from '@slipway/platform';
import { Database } from '../database/database.store.ts';
import { endpointRow, endpointView, listEndpoints } from '../endpoint/endpoint.store.ts';
import { EndpointService } from './endpoint-service.store.ts';

const { endpoints } = registryApi;

@Controller()
export class EndpointController {
  private readonly database: Database;
  private readonly endpoints: EndpointService;
  constructor(database: Database, endpoints: EndpointService) {
    this.database = database;
    this.endpoints = endpoints;
  }

  @Operation(endpoints.list)
  list({ query: { cursor, limit } }: Asked<typeof endpoints.list>) {
    return listEndpoints(this.database, cursor, limit);
  }

  @Operation(endpoints.get)
  async get({ params: { name } }: Asked<typeof endpoints.get>) {
    return endpointView(this.database, await endpointRow(this.database, name));
  }

  @Operation(endpoints.put)
  put({ params: { name }, body, caller }: Asked<typeof endpoints.put>) {
    return this.endpoints.put(name, body, caller, steadyNow());
  }

  @Operation(endpoints.delete)
  remove({ params: { name }, caller }: Asked<typeof endpoints.delete>) {
    return this.endpoints.remove(name, caller, steadyNow());
  }

  @Operation(endpoints.retire)
  retire({ params: { name }, body: { reason }, caller }: Asked<typeof endpoints.retire>) {
    return this.endpoints.retire(name, reason, caller, steadyNow());
  }

  @Operation(endpoints.rollBack)
  rollBack({ params: { name }, body, caller }: Asked<typeof endpoints.rollBack>) {
    return this.endpoints.rollBack(name, body, caller, steadyNow());
  }
}
