import { nameSchema, revisionSchema, sha256Schema, versionNumberSchema } from '@slipway/core';
import { profileSchema } from '@slipway/model';
import { z } from 'zod';

/**
 * The reference profile of a version, while an endpoint serves it, is about to, or may roll back to it: what the live
 * windows are compared with. Of a version that has none there is nothing; a tombstone says that no endpoint has the
 * version any more.
 */
export const referenceSchema = z.object({
  model: nameSchema,
  version: versionNumberSchema,
  digest: sha256Schema,
  profile: profileSchema,
  revision: revisionSchema,
});
export type Reference = z.infer<typeof referenceSchema>;
