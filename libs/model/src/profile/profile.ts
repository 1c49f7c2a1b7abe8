import { z } from 'zod';
import { sha256Schema } from '@slipway/core';

/**
 * What is measured of a tensor. `value`: each element of a numeric tensor; `mean` and `deviation`: of the elements of a
 * numeric tensor with many; the others are of a text. `code`, which stands for the text itself, is used for categories.
 */
export const featureMeasures = [
  ...(['value', 'mean', 'deviation'] as const),
  ...(['code', 'bytes', 'words', 'digit_share', 'upper_share', 'links'] as const),
] as const;
export type FeatureMeasure = (typeof featureMeasures)[number];

/** Largest number of features in a profile. */
export const MOST_FEATURES = 256;

const common = {
  /** Name of the feature, such as `input.text.words`, `input.pixels[3]` or `output.class`. */
  name: z.string().min(1),
  side: z.enum(['input', 'output']),
  tensor: z.string().min(1),
  measure: z.enum(featureMeasures),
  /** Index of the tensor's element, row-major, without the batch dimension. */
  element: z.int().nonnegative().default(0),
};

/**
 * The distribution of one feature in the training snapshot.
 *
 * `numeric`: value v falls into bin #{edge : v > edge}; `counts` has one entry for each bin, then one for missing
 * values.
 * `categorical`: `counts` has one entry for each category, then one for unseen categories, then one for missing values.
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

/** The distributions in a version's training data: the reference for the comparison with live windows. */
export const profileSchema = z.object({
  /** SHA-256 of the training snapshot. */
  source: sha256Schema,
  /** That were profiled. */
  rows: z.int().nonnegative(),
  features: z.array(featureProfileSchema).max(MOST_FEATURES),
  /** Number of further features in the snapshot. */
  left_out: z.int().nonnegative().default(0),
  /** How often an output differed from the outcome, on the validation rows of the snapshot. */
  losses: z.array(
    z.object({ outcome: z.string(), output: z.string(), rows: z.int().nonnegative(), errors: z.int().nonnegative() }),
  ),
});
export type Profile = z.infer<typeof profileSchema>;

const scalarSchema = z.union([z.number(), z.string(), z.boolean(), z.null()]);
/**
 * A scalar, a list of scalars (a tensor of any rank, nested or row-major), or an object, which is treated as JSON text.
 */
const instanceSchema = z.union([scalarSchema, z.array(z.unknown()), z.record(z.string(), z.unknown())]);

/**
 * One line of a training snapshot (NDJSON), which is one instance: the elements of each input tensor by name (without
 * the batch dimension) and, for validation rows (held out from training), the version's outputs and the outcomes, each
 * by name.
 */
export const snapshotRowSchema = z.object({
  id: z.string().optional(),
  split: z.enum(['train', 'validation']).default('train'),
  inputs: z.record(z.string(), instanceSchema),
  outputs: z.record(z.string(), instanceSchema).default({}),
  outcomes: z.record(z.string(), scalarSchema).default({}),
});
export type SnapshotRow = z.infer<typeof snapshotRowSchema>;
