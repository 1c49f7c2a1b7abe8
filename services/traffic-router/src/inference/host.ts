import { ProblemError } from '@slipway/core';
import type { Host, ModelFacts } from '@slipway/protocol';
import { armsOf, type EjectedTargets, mainBranch, targetKey } from '@slipway/routing';
import type { RouteTable } from '../routing/route-table.ts';

/** The metadata of a router and its endpoints, for every protocol. */
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
    const branch = mainBranch(this.routes.require(endpoint));
    const versions = armsOf(branch).map((a) => String(a.target.version));
    if (version !== undefined && !versions.includes(version)) throw unknown(endpoint, version);
    return { name: endpoint, versions: version === undefined ? versions : [version], signature: branch.signature };
  }

  modelReady(endpoint: string, version: string | undefined): boolean {
    const branch = mainBranch(this.routes.require(endpoint));
    const target =
      version === undefined ? branch.target : armsOf(branch).find((a) => String(a.target.version) === version)?.target;
    if (!target) throw unknown(endpoint, version);
    return target.addresses.some((a) => !this.states.isEjected(targetKey(target, a)));
  }
}

const unknown = (endpoint: string, version: string | undefined) =>
  new ProblemError('unknown_version', `the endpoint "${endpoint}" has no version ${version}`);
