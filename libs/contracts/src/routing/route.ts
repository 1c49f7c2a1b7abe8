import { z } from 'zod';
import { signatureSchema } from '@slipway/model';
import { revisionSchema } from '@slipway/core';
import { nameSchema, timeMsSchema, unitKindSchema, versionNumberSchema } from '@slipway/core';

/** The addresses (base URLs of OIP servers) that answer for one version. */
export const targetSchema = z.object({
  model: nameSchema,
  version: versionNumberSchema,
  addresses: z.array(z.url()),
  /** The addresses are inference-workers: they are shown the key that is made for them, and nobody else is. */
  workers: z.boolean(),
});
export type Target = z.infer<typeof targetSchema>;

/** The whole route of one endpoint at one revision: what a router needs to serve it. */
export const routeSchema = z.object({
  endpoint: nameSchema,
  revision: revisionSchema,
  published_at: timeMsSchema,
  unit: unitKindSchema,
  control: targetSchema,
  candidate: targetSchema.nullable(),
  /** The rollout under way; its id is the salt of the assignment. */
  rollout: z
    .object({ id: z.uuid(), step: z.int().min(0), weight: z.number().min(0).max(1), salt: z.string() })
    .nullable(),
  /**
   * The shadow step under way: which requests are sampled, and how. The hash's salt is `salt`, its unit the request id.
   */
  shadow: z
    .object({
      rollout_id: z.uuid(),
      step: z.int().min(0),
      sample: z.number().min(0).max(1),
      noise: z.number().min(0).max(1),
      deadline_ms: z.int().min(1),
      salt: z.string(),
    })
    .nullable()
    .default(null),
  /** A router without contact with Kafka for longer serves control while a rollout is under way. */
  lease_ms: z.int().min(1000),
  timeout_ms: z.int().min(1),
  signature: signatureSchema,
  /** Price of one request by version (`model:version`). */
  prices: z.record(z.string(), z.number()),
  /** Names of outcomes that some metric reads. */
  outcome_names: z.array(nameSchema).default([]),
});
export type Route = z.infer<typeof routeSchema>;
