import { nameSchema, revisionSchema, timeMsSchema, unitKindSchema, versionNumberSchema } from '@slipway/core';
import { signatureSchema } from '@slipway/model';
import { z } from 'zod';

/** The addresses (base URLs) that answer for one version. */
const targetSchema = z.object({
  model: nameSchema,
  version: versionNumberSchema,
  addresses: z.array(z.url()),
  /** The name of the protocol that they speak. */
  protocol: nameSchema,
  /** Whether the addresses are inference-workers: only these get the workers' key. */
  workers: z.boolean(),
  /** Price of one request. */
  price: z.number(),
});
export type Target = z.infer<typeof targetSchema>;

/** One arm of a rollout: control, or a candidate. */
const routeArmSchema = z.object({
  name: nameSchema,
  target: targetSchema,
  /** Share of the branch's units, 0..1; the shares of all arms add up to 1. */
  share: z.number().min(0).max(1),
  /** Its candidate was withdrawn alone: the target is control's, which answers the arm's units from then on. */
  withdrawn: z.literal(true).optional(),
});
export type RouteArm = z.infer<typeof routeArmSchema>;

/** What is sampled for the shadow. The hash's unit is the request id. */
const shadowSamplingSchema = z.object({
  /** The arm that runs the sampled requests. */
  arm: nameSchema,
  sample: z.number().min(0).max(1),
  noise: z.number().min(0).max(1),
  deadline_ms: z.int().min(1),
  salt: z.string(),
});
export type ShadowSampling = z.infer<typeof shadowSamplingSchema>;

/** One of an endpoint's models, with the rollout under way there, if any. */
const branchSchema = z.object({
  name: nameSchema,
  /**
   * CEL condition for the requests that the branch takes; the last branch has none, and takes those that no other took.
   */
  when: z.string().min(1).optional(),
  /** What is randomised. */
  unit: unitKindSchema,
  signature: signatureSchema,
  /** The target that serves the branch when no rollout is under way. */
  target: targetSchema,
  rollout: z
    .object({
      id: z.uuid(),
      step: z.int().min(0),
      /** Salt of the assignment hash. */
      salt: z.string(),
      /** Control first; the share of a candidate without traffic is 0. */
      arms: z.array(routeArmSchema).min(2),
      /** Null when nothing is sampled. */
      shadow: shadowSamplingSchema.nullable(),
    })
    .nullable(),
});
export type Branch = z.infer<typeof branchSchema>;
export type BranchRollout = NonNullable<Branch['rollout']>;

/** The whole route of one endpoint at one revision. */
export const routeSchema = z.object({
  endpoint: nameSchema,
  revision: revisionSchema,
  published_at: timeMsSchema,
  /** A request goes to the first branch whose `when` is true. */
  branches: z
    .array(branchSchema)
    .min(1)
    .refine(
      (all) => all.at(-1)?.when === undefined,
      'the last branch takes every request, so it must not have a "when"',
    ),
  /**
   * Lease in milliseconds: a router without contact with Kafka for longer serves control while a rollout is under way.
   */
  lease_ms: z.int().min(1000),
  timeout_ms: z.int().min(1),
  /** Names of outcomes that a metric reads. */
  outcome_names: z.array(nameSchema).default([]),
});
export type Route = z.infer<typeof routeSchema>;
