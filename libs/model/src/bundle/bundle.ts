import { z } from 'zod';
import { DEFAULT_PROTOCOL, nameSchema, sha256Schema, timeMsSchema, versionNumberSchema } from '@slipway/core';
import { preprocessingSchema } from '../preprocessing/preprocessing.ts';
import { profileSchema } from '../profile/profile.ts';
import { notServed, signatureSchema } from '../signature/signature.ts';

/** A file by content. `uri` is absent when the file lies in the registry's own artifact store. */
export const artifactRefSchema = z.object({
  sha256: sha256Schema,
  uri: z.url().optional(),
  bytes: z.int().nonnegative().optional(),
});
export type ArtifactRef = z.infer<typeof artifactRefSchema>;

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

/**
 * One request of the validation set with the outputs it must give; run at warm-up on every worker that loads the
 * version.
 */
export const validationCaseSchema = z.object({
  inputs: z
    .array(z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()), data: z.array(z.unknown()) }))
    .min(1),
  outputs: z
    .array(
      z.object({ name: z.string(), data: z.array(scalarSchema), tolerance: z.number().nonnegative().default(1e-4) }),
    )
    .default([]),
});
export type ValidationCase = z.infer<typeof validationCaseSchema>;

/** Everything that made a version. Immutable; identified by its digest. */
export const bundleSchema = z
  .strictObject({
    artifact: artifactRefSchema,
    format: z.literal('onnx').default('onnx'),
    signature: signatureSchema,
    preprocessing: preprocessingSchema.default([]),
    /**
     * NDJSON of training snapshot rows (`snapshotRowSchema`): then the reference profile is made from it. Other files
     * are kept as they are.
     */
    training_data: artifactRefSchema.optional(),
    feature_definitions: artifactRefSchema.optional(),
    /** A profile (`profileSchema`, JSON) that the trainer made itself. */
    reference_profile: artifactRefSchema.optional(),
    validation: z.array(validationCaseSchema).max(100).default([]),
    metrics: z.record(z.string(), z.number()).default({}),
    /** Price of one request, in the deployment's currency; 0 when unknown. */
    price: z.number().nonnegative().default(0),
    infra: z
      .strictObject({
        /** A server that already serves this version; workers do not load it then. */
        url: z.url().optional(),
        /** How whoever serves it is spoken to: the name of a protocol that routers know. */
        protocol: nameSchema.default(DEFAULT_PROTOCOL),
        max_batch: z.int().min(1).max(4096).default(64),
        /** Longest time that a request waits for company, microseconds. */
        max_queue_delay_us: z.int().min(0).max(1_000_000).default(0),
      })
      .prefault({}),
    lineage: z.record(z.string(), scalarSchema).default({}),
  })
  .superRefine((bundle, ctx) => {
    // What a server of the publisher's own serves is its own affair.
    if (bundle.infra.url) return;
    for (const side of ['inputs', 'outputs'] as const)
      for (const [i, t] of bundle.signature[side].entries())
        if (notServed.has(t.datatype))
          ctx.addIssue({
            code: 'custom',
            path: ['signature', side, i, 'datatype'],
            message:
              `${t.datatype} is not supported because JSON has no form for it; export the model with FP32 inputs ` +
              'and outputs',
          });
  });
export type Bundle = z.infer<typeof bundleSchema>;

/** Whether a worker could load the version once; what could not be loaded never serves. */
export const loadTrialSchema = z.object({
  state: z.enum(['untested', 'loaded', 'failed']),
  /** Why it failed, or what the trial still waits for. */
  reason: z.string(),
});
export type LoadTrial = z.infer<typeof loadTrialSchema>;

export const versionSchema = z.object({
  model: nameSchema,
  version: versionNumberSchema,
  digest: sha256Schema,
  bundle: bundleSchema,
  created_at: timeMsSchema,
  created_by: z.string(),
  /**
   * Made from the training snapshot at registration; null when there is none that can be read, and `profile_note` says
   * why.
   */
  profile: profileSchema.nullable().default(null),
  profile_note: z.string().default(''),
  loadable: loadTrialSchema,
});
export type Version = z.infer<typeof versionSchema>;
