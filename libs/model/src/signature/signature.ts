import { z } from 'zod';

/** Datatypes of the Open Inference Protocol v2. */
export const datatypes = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const;
export const datatypeSchema = z.enum(datatypes, {
  error: ({ input }) =>
    input === 'BF16'
      ? 'BF16 is not supported because JSON has no form for it; export the model with FP32 inputs and outputs'
      : undefined,
});
export type Datatype = z.infer<typeof datatypeSchema>;

/** Integer datatypes whose values a double cannot always hold. */
export const isWide = (datatype: Datatype): boolean => datatype === 'INT64' || datatype === 'UINT64';

/** Datatypes without an exact and common JSON form; workers do not serve them. */
export const notServed: ReadonlySet<Datatype> = new Set<Datatype>(['FP16']);

export const tensorSpecSchema = z.object({
  name: z.string().min(1).max(128),
  datatype: datatypeSchema,
  /** -1 stands for any length; the first dimension is the batch size. */
  shape: z.array(z.int().min(-1)).min(1).max(8),
});
export type TensorSpec = z.infer<typeof tensorSpecSchema>;

export const signatureSchema = z.object({
  inputs: z.array(tensorSpecSchema).min(1).max(64),
  outputs: z.array(tensorSpecSchema).min(1).max(64),
});
export type Signature = z.infer<typeof signatureSchema>;
