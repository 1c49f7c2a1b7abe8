import type { AssignmentReason, Branch, RouteArm } from '@slipway/contracts';
import { assignArm } from './assignment.ts';
import { armsOf, trafficOf } from './branches.ts';

export type Assignment = { branch: Branch; arm: RouteArm; reason: AssignmentReason; probability: number; unit: string };

type AssignmentInput = {
  /** The branch that takes the request. */
  branch: Branch;
  /** The user, session or request id; empty when the caller gave none. */
  unit: string;
  /** Whether Kafka was heard of within the route's lease. */
  leaseHolds: boolean;
  /** A version forced by an operator's key. */
  forced?: number | undefined;
};

/**
 * The arm of a request and the reason. Only `randomised` is an exposure. Pure.
 * @returns undefined when the forced version belongs to no arm of the branch
 */
export function assign({ branch, unit, leaseHolds, forced }: AssignmentInput): Assignment | undefined {
  const [control, ...candidates] = armsOf(branch);
  const certain = (arm: RouteArm, reason: AssignmentReason) => ({ branch, arm, reason, probability: 1, unit });
  if (forced !== undefined) {
    const arm = [...candidates, control].find((a) => a.target.version === forced);
    return arm && certain(arm, 'forced');
  }
  const rollout = trafficOf(branch);
  if (!rollout) return certain(control, 'rule');
  if (!leaseHolds) return certain(control, 'lease_expired');
  if (unit === '') return certain(control, 'no_unit');
  const arm = assignArm(rollout.salt, unit, rollout.arms);
  if (arm.withdrawn) return certain(control, 'withdrawn');
  return { branch, arm, reason: 'randomised', probability: arm.share, unit };
}
