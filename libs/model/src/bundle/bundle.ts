import { z } from 'zod';
import { DEFAULT_PROTOCOL, nameSchema, sha256Schema, timeMsSchema, versionNumberSchema } from '@slipway/core';
import { preprocessingSchema } from '../preprocessing/preprocessing.ts';
import { profileSchema } from '../profile/profile.ts';
import { notServed, signatureSchema } from '../signature/signature.ts';

/** A file identified by its content. `uri` is absent when the file is in the registry's own artifact store. */
export const artifactRefSchema = z.object({
  sha256: sha256Schema,
  uri: z.url().optional(),
  bytes: z.int().nonnegative().optional(),
});

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

/**
 * One request of the validation set with the outputs it must give. Every worker that loads the version runs it during
 * warm-up.
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

/** Everything that defines a version. Immutable, identified by its digest. */
export const bundleSchema = z
  .strictObject({
    artifact: artifactRefSchema,
    format: z.literal('onnx').default('onnx'),
    signature: signatureSchema,
    preprocessing: preprocessingSchema.default([]),
    /**
     * NDJSON of training snapshot rows (`snapshotRowSchema`), from which the registry makes the reference profile.
     * Files in other formats are stored unchanged.
     */
    training_data: artifactRefSchema.optional(),
    feature_definitions: artifactRefSchema.optional(),
    /** A reference profile (`profileSchema`, JSON) made by the trainer. */
    reference_profile: artifactRefSchema.optional(),
    validation: z.array(validationCaseSchema).max(100).default([]),
    metrics: z.record(z.string(), z.number()).default({}),
    /** Price of one request in the deployment's currency; 0 when unknown. */
    price: z.number().nonnegative().default(0),
    infra: z
      .strictObject({
        /** A server that already serves this version; workers do not load it then. */
        url: z.url().optional(),
        /** Name of the protocol that its server speaks; a protocol that routers know. */
        protocol: nameSchema.default(DEFAULT_PROTOCOL),
        max_batch: z.int().min(1).max(4096).default(64),
        /** Longest time, in microseconds, that a request waits for others to share its batch. */
        max_queue_delay_us: z.int().min(0).max(1_000_000).default(0),
      })
      .prefault({}),
    lineage: z.record(z.string(), scalarSchema).default({}),
  })
  .superRefine((bundle, ctx) => {
    // Datatypes are not restricted for a version that the publisher's own server serves.
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

/** Result of the registry's trial of a version: only a version that a worker could load may serve. */
export const loadTrialSchema = z.object({
  state: z.enum(['untested', 'loaded', 'failed']),
  /** Why the trial failed, or what it waits for. */
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
   * The reference profile made from the training snapshot at registration. Null when there is no usable snapshot;
   * `profile_note` gives the reason.
   */
  profile: profileSchema.nullable().default(null),
  profile_note: z.string().default(''),
  loadable: loadTrialSchema,
});
export type Version = z.infer<typeof versionSchema>;
