import { z } from 'zod';

const tensorName = z.string().min(1).max(128);

/**
 * Preprocessing is declared, not code: a list of these operators, applied in order to the named tensors of a request.
 * Every row (first dimension) is processed independently, so batching cannot change a result.
 */
export const operatorSchema = z.discriminatedUnion('op', [
  z.strictObject({
    /**
     * BYTES [-1, 1] → FP32 [-1, features]: counts of hashed word n-grams; see `hashed-ngrams.ts` for the exact
     * definition.
     */
    op: z.literal('hashed_ngrams'),
    input: tensorName,
    output: tensorName,
    features: z
      .int()
      .min(2)
      .max(1 << 20),
    ngrams: z.array(z.int().min(1).max(5)).min(1).default([1]),
    lowercase: z.boolean().default(true),
    seed: z.int().min(0).max(0xffffffff).default(0),
    /** `log`: ln(1 + count), applied before normalisation. */
    weighting: z.enum(['count', 'log', 'binary']).default('log'),
    norm: z.enum(['l2', 'none']).default('l2'),
    /** Only this many bytes at the start of a text are read. */
    max_bytes: z
      .int()
      .min(1)
      .max(1 << 24)
      .default(65_536),
  }),
  z.strictObject({
    /** FP32 [-1, n] in place: (x − mean) / scale, column by column. */
    op: z.literal('standardise'),
    input: tensorName,
    mean: z.array(z.number()).min(1),
    scale: z.array(z.number().refine((s) => s !== 0, 'must not be 0')).min(1),
  }),
  z.strictObject({
    /** BYTES [-1, 1] → FP32 [-1, categories.length + 1]; the last column is 1 for a value that is not in the list. */
    op: z.literal('one_hot'),
    input: tensorName,
    output: tensorName,
    categories: z.array(z.string()).min(1).max(10_000),
  }),
]);
export type Operator = z.infer<typeof operatorSchema>;
export const preprocessingSchema = z.array(operatorSchema).max(64);
