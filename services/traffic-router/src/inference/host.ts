import { ProblemError } from '@slipway/core';
import type { Host, ModelFacts } from '@slipway/protocol';
import { type EjectedTargets, targetKey } from '@slipway/routing';
import type { RouteTable } from '../routing/route-table.ts';

/** What a router tells of itself and its endpoints, in every protocol. */
export class RouterHost implements Host {
  readonly name = 'slipway';
  readonly version = '0.1.0';
  private readonly routes: RouteTable;
  private readonly states: EjectedTargets;
  constructor(routes: RouteTable, states: EjectedTargets) {
    this.routes = routes;
    this.states = states;
  }

  ready(): boolean {
    return this.routes.all().length > 0;
  }

  model(endpoint: string, version: string | undefined): ModelFacts {
    const { control, candidate, signature } = this.routes.require(endpoint);
    const versions = [control, ...(candidate ? [candidate] : [])].map((t) => String(t.version));
    if (version !== undefined && !versions.includes(version)) throw unknown(endpoint, version);
    return { name: endpoint, versions: version === undefined ? versions : [version], signature };
  }

  modelReady(endpoint: string, version: string | undefined): boolean {
    const { control, candidate } = this.routes.require(endpoint);
    const target =
      version === undefined ? control : [control, candidate].find((t) => t && String(t.version) === version);
    if (!target) throw unknown(endpoint, version);
    return target.addresses.some((a) => !this.states.isEjected(targetKey(target, a)));
  }
}

const unknown = (endpoint: string, version: string | undefined) =>
  new ProblemError('unknown_version', `the endpoint "${endpoint}" has no version ${version}`);
