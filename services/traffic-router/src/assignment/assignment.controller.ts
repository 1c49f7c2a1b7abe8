import { Controller } from '@nestjs/common';
import { routerApi } from '@slipway/contracts';
import { formatRevision, formatVersion, ProblemError } from '@slipway/core';
import { type Asked, Operation } from '@slipway/platform';
import { RouteTable } from '../routing/route-table.ts';
import { drawShadow } from '@slipway/routing';
import { assign } from '@slipway/routing';

const { assignments } = routerApi;

/** For services that serve their own models: which version a unit gets, exactly as this router would decide. */
@Controller()
export class AssignmentController {
  private readonly routes: RouteTable;
  constructor(routes: RouteTable) {
    this.routes = routes;
  }

  @Operation(assignments.get)
  assign({ body: input }: Asked<typeof assignments.get>) {
    const route = this.routes.require(input.endpoint);
    const leaseHolds = this.routes.leaseHolds(route);
    const answer = (u: string) => {
      const a = assign({ route, unit: u, leaseHolds });
      if (!a) throw new ProblemError('internal', 'an assignment without a forced version always exists');
      return {
        endpoint: route.endpoint,
        unit: u,
        rollout_id: route.rollout?.id ?? '',
        step: route.rollout?.step ?? -1,
        route_revision: formatRevision(route.revision),
        assigned_arm: a.arm,
        version: formatVersion(a.version),
        probability: a.probability,
        reason: a.reason,
        // Services that run both versions themselves: whether to, for this unit, and where the pair belongs.
        shadow:
          route.shadow && route.candidate
            ? {
                rollout_id: route.shadow.rollout_id,
                step: route.shadow.step,
                candidate_version: formatVersion(route.candidate),
                ...drawShadow(route.shadow, u),
              }
            : null,
      };
    };
    return 'units' in input ? { assignments: input.units.map(answer) } : answer(input.unit);
  }
}
