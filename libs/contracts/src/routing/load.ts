import { nameSchema, revisionSchema, sha256Schema, versionNumberSchema } from '@slipway/core';
import { bundleSchema, operatorSchema, signatureSchema } from '@slipway/model';
import { z } from 'zod';

/** What a worker needs to load a version. */
export const loadableSchema = z.object({
  model: nameSchema,
  version: versionNumberSchema,
  digest: sha256Schema,
  artifact: z.object({ sha256: sha256Schema, uris: z.array(z.url()) }),
  signature: signatureSchema,
  preprocessing: z.array(operatorSchema),
  validation: bundleSchema.shape.validation,
  max_batch: z.int().min(1),
  max_queue_delay_us: z.int().min(0),
});
export type Loadable = z.infer<typeof loadableSchema>;

/**
 * A version that workers keep loaded and warm because an endpoint serves it, is about to serve it, or may roll back to
 * it. A tombstone means that no endpoint needs it any more.
 */
export const loadSchema = loadableSchema.extend({ revision: revisionSchema });
export type Load = z.infer<typeof loadSchema>;
