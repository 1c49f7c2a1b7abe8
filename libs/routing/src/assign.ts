import type { AssignmentReason, Route } from '@slipway/contracts';
import type { Arm } from '@slipway/core';
import { assignArm } from './assignment.ts';
import { type VersionRef } from '@slipway/core';

export type Assignment = { arm: Arm; reason: AssignmentReason; probability: number; version: VersionRef; unit: string };

export type AssignmentInput = {
  route: Route;
  /** The user, session or request id; empty when the caller gave none. */
  unit: string;
  /** Kafka was heard of within the route's lease. */
  leaseHolds: boolean;
  /** A version that an operator's key forces. */
  forced?: number | undefined;
};

/**
 * Which arm a request goes to, and why. Pure. Only `randomised` is an exposure.
 * @returns undefined when the forced version is neither the control's nor the candidate's
 */
export function assign({ route, unit, leaseHolds, forced }: AssignmentInput): Assignment | undefined {
  const { control, candidate, rollout } = route;
  if (forced !== undefined) {
    if (candidate?.version === forced)
      return { arm: 'candidate', reason: 'forced', probability: 1, version: candidate, unit };
    if (control.version === forced) return { arm: 'control', reason: 'forced', probability: 1, version: control, unit };
    return undefined;
  }
  if (!rollout || !candidate) return { arm: 'control', reason: 'rule', probability: 1, version: control, unit };
  if (!leaseHolds) return { arm: 'control', reason: 'lease_expired', probability: 1, version: control, unit };
  if (unit === '') return { arm: 'control', reason: 'no_unit', probability: 1, version: control, unit };
  const arm = assignArm(rollout.salt, unit, rollout.weight);
  return arm === 'candidate'
    ? { arm, reason: 'randomised', probability: rollout.weight, version: candidate, unit }
    : { arm, reason: 'randomised', probability: 1 - rollout.weight, version: control, unit };
}
