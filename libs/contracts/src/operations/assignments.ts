import { nameSchema } from '@slipway/core';
import { z } from 'zod';
import { operation } from '../rest/operation.ts';

const unit = z.string().min(1).max(256);

/** Which version a unit gets, as a router decides it. */
export const assignmentSchema = z.object({
  endpoint: nameSchema,
  unit: z.string(),
  /** Empty without a rollout under way. */
  rollout_id: z.string(),
  /** -1 without a rollout under way. */
  step: z.int(),
  route_revision: z.string(),
  assigned_arm: z.string(),
  /** `model:version`. */
  version: z.string(),
  probability: z.number().min(0).max(1),
  reason: z.string(),
  /** Services that run both versions themselves: whether to, for this unit, and where the pair belongs. */
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
    summary: 'Which version a unit gets, or each of many; it changes nothing',
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
