import { nameSchema, revisionSchema, sha256Schema, versionNumberSchema } from '@slipway/core';
import { profileSchema } from '@slipway/model';
import { z } from 'zod';

/**
 * The reference profile of a version, published while an endpoint serves it, is about to serve it, or may roll back to
 * it. Live windows are compared with it. Nothing is published for a version without a profile; a tombstone means that
 * no endpoint has the version any more.
 */
export const referenceSchema = z.object({
  model: nameSchema,
  version: versionNumberSchema,
  digest: sha256Schema,
  profile: profileSchema,
  revision: revisionSchema,
});
export type Reference = z.infer<typeof referenceSchema>;
