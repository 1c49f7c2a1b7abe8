import { nameSchema } from '@slipway/core';
import { z } from 'zod';
import { operation } from '../rest/operation.ts';

const unit = z.string().min(1).max(256);

/** The version that a router would assign to a unit. */
export const assignmentSchema = z.object({
  endpoint: nameSchema,
  unit: z.string(),
  /** Empty when no rollout is under way. */
  rollout_id: z.string(),
  /** -1 when no rollout is under way. */
  step: z.int(),
  route_revision: z.string(),
  assigned_arm: z.string(),
  /** `model:version`. */
  version: z.string(),
  probability: z.number().min(0).max(1),
  reason: z.string(),
  /**
   * For services that run both versions themselves: whether to run both for this unit, and which rollout the pair
   * belongs to.
   */
  shadow: z
    .object({
      rollout_id: z.string(),
      step: z.int(),
      candidate_version: z.string(),
      sampled: z.boolean(),
      noise: z.boolean(),
    })
    .nullable(),
});

export const assignments = {
  get: operation({
    method: 'post',
    path: '/v1/assignments',
    summary: 'Which version each of one or many units is assigned to; changes nothing',
    role: 'caller',
    body: z.union([
      z.strictObject({ endpoint: nameSchema, unit }),
      z.strictObject({ endpoint: nameSchema, units: z.array(unit).min(1).max(10_000) }),
    ]),
    response: z.union([assignmentSchema, z.object({ assignments: z.array(assignmentSchema) })]),
    status: 200,
    repeatable: 'always',
  }),
};
