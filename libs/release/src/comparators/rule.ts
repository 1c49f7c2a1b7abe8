import { z } from 'zod';
import { shapeOf } from '@slipway/core';
import { COMPARATOR_KINDS, type ComparatorName } from './kinds.ts';

export type { ComparatorName };

/**
 * When two answers agree. Anything that is not named here must be equal; `id` and the model's name and version are
 * never compared.
 */
export const compareSchema = z.strictObject({
  /** Outputs (OIP) or top-level fields (JSON) to compare; all when absent. */
  fields: z.array(z.string().min(1)).min(1).optional(),
  /** Fields to leave out. */
  ignore: z.array(z.string().min(1)).default([]),
  ...shapeOf(COMPARATOR_KINDS, 'options'),
});
export type CompareRule = z.infer<typeof compareSchema>;

/** How two answers can differ in one place: in a value that a comparator checks, or in whether the place exists. */
export const differenceKinds = [
  'type',
  'missing',
  'extra',
  'length',
  ...Object.values(COMPARATOR_KINDS).flatMap(({ differences }): readonly Named[] => differences),
] as const;
type Named = (typeof COMPARATOR_KINDS)[ComparatorName]['differences'][number];
