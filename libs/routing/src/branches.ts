import type { Branch, BranchRollout, Route, RouteArm, Target } from '@slipway/contracts';
import { CONTROL, formatVersion } from '@slipway/core';

/**
 * What a branch serves its units: the arms of its rollout that were not withdrawn, control first; control alone without
 * one. Pure.
 */
export function armsOf({ target, rollout }: Branch): [RouteArm, ...RouteArm[]] {
  const [control = { name: CONTROL, target, share: 1 }, ...candidates] = rollout?.arms ?? [];
  return [control, ...candidates.filter((arm) => !arm.withdrawn)];
}

/**
 * The rollout that gives a candidate of the branch traffic; undefined during a shadow or dark step, or a pause at 0 %.
 */
export function trafficOf({ rollout }: Branch): BranchRollout | undefined {
  return rollout?.arms.slice(1).some((a) => a.share > 0) ? rollout : undefined;
}

/**
 * The branch that takes a request. Pure.
 * @param holds whether a `when` is true of the request; a condition that cannot be evaluated counts as false
 */
export function branchOf(route: Route, holds: (when: string) => boolean = () => false): Branch {
  const taken = route.branches.find((b) => b.when === undefined || holds(b.when));
  if (!taken) throw new Error(`the route of "${route.endpoint}" has no branch that takes every request`);
  return taken;
}

/** The branch without a condition, which takes every request that no other branch takes. */
export function mainBranch(route: Route): Branch {
  return branchOf(route);
}

/** All versions that a route may send a request to, without repeats. */
export function targetsOf(route: Route): Target[] {
  const all = route.branches.flatMap((b) => [b.target, ...armsOf(b).map((a) => a.target)]);
  return [...new Map(all.map((t) => [formatVersion(t), t])).values()];
}
