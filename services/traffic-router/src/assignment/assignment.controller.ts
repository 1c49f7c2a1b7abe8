import { Controller } from '@nestjs/common';
import { routerApi } from '@slipway/contracts';
import { formatRevision, formatVersion, ProblemError } from '@slipway/core';
import { type Asked, Operation } from '@slipway/platform';
import { RouteTable } from '../routing/route-table.ts';
import { assign, drawShadow, mainBranch, trafficOf } from '@slipway/routing';

const { assignments } = routerApi;

/** For services that serve their own models: the version of a unit, exactly as this router would decide. */
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
    const branch = mainBranch(route);
    const { rollout } = branch;
    const traffic = trafficOf(branch);
    const shadowed = rollout?.arms.find((arm) => arm.name === rollout.shadow?.arm);
    const answer = (u: string) => {
      const a = assign({ branch, unit: u, leaseHolds });
      if (!a) throw new ProblemError('internal', 'an assignment without a forced version always exists');
      return {
        endpoint: route.endpoint,
        unit: u,
        rollout_id: traffic?.id ?? '',
        step: traffic?.step ?? -1,
        route_revision: formatRevision(route.revision),
        assigned_arm: a.arm.name,
        version: formatVersion(a.arm.target),
        probability: a.probability,
        reason: a.reason,
        // For services that run both versions themselves: whether to run both for this unit, and which rollout the pair
        // belongs to.
        shadow:
          rollout && shadowed
            ? {
                rollout_id: rollout.id,
                step: rollout.step,
                candidate_version: formatVersion(shadowed.target),
                ...drawShadow(rollout.shadow, u),
              }
            : null,
      };
    };
    return 'units' in input ? { assignments: input.units.map(answer) } : answer(input.unit);
  }
}
