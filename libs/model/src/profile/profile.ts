import { z } from 'zod';
import { sha256Schema } from '@slipway/core';

/**
 * What is measured of a tensor's first element. A text is measured by the properties that both TypeScript and
 * ClickHouse count byte by byte.
 */
export const featureMeasures = ['value', 'bytes', 'words', 'digit_share', 'upper_share', 'links'] as const;
export type FeatureMeasure = (typeof featureMeasures)[number];

const common = {
  /** `input.text.words`, `output.class`. */
  name: z.string().min(1),
  side: z.enum(['input', 'output']),
  tensor: z.string().min(1),
  measure: z.enum(featureMeasures),
};

/**
 * How one feature was distributed in the training snapshot.
 *
 * `numeric`: value v falls into bin #{edge : v > edge}; `counts` has one entry a bin and a last one for missing values.
 * `categorical`: one bin a category, then one for unseen categories, then one for missing values.
 */
export const featureProfileSchema = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('numeric'),
    edges: z.array(z.number()).max(64),
    counts: z.array(z.number().nonnegative()),
  }),
  z.object({
    ...common,
    kind: z.literal('categorical'),
    categories: z.array(z.string()).max(64),
    counts: z.array(z.number().nonnegative()),
  }),
]);
export type FeatureProfile = z.infer<typeof featureProfileSchema>;

/** What a version saw in training: the reference that live windows are compared with. */
export const profileSchema = z.object({
  /** SHA-256 of the training snapshot that it was made from. */
  source: sha256Schema,
  rows: z.int().nonnegative(),
  features: z.array(featureProfileSchema).max(256),
  /** On the snapshot's validation rows: how often an output differed from the outcome. */
  losses: z.array(
    z.object({ outcome: z.string(), output: z.string(), rows: z.int().nonnegative(), errors: z.int().nonnegative() }),
  ),
});
export type Profile = z.infer<typeof profileSchema>;

const scalarSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);

/**
 * One line of a training snapshot (NDJSON): the first element of each input tensor by its name, and for validation rows
 * (held out from training) what the version answered and what became of it, by output and outcome name.
 */
export const snapshotRowSchema = z.object({
  id: z.string().optional(),
  split: z.enum(['train', 'validation']).default('train'),
  inputs: z.record(z.string(), scalarSchema),
  outputs: z.record(z.string(), scalarSchema).default({}),
  outcomes: z.record(z.string(), scalarSchema).default({}),
});
export type SnapshotRow = z.infer<typeof snapshotRowSchema>;
