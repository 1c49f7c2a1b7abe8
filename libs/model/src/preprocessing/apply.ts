import type { Operator } from './preprocessing.ts';
import { hashedNgrams } from './hashed-ngrams.ts';

/**
 * A tensor inside the worker, row-major, with `width` values a row: BYTES as byte strings, FP32 as such, 64-bit
 * integers as `integer`, every other type as doubles, which hold them exactly. `tail` is the shape without the first
 * dimension; its product is `width`. Without `tail` the shape is `[rows, width]`.
 */
export type RowTensor = { rows: number; width: number; tail?: readonly number[] } & (
  | { kind: 'bytes'; values: Uint8Array[] }
  | { kind: 'numeric'; values: Float32Array | Float64Array }
  | { kind: 'integer'; values: BigInt64Array | BigUint64Array }
);

export class PreprocessingError extends Error {
  override name = 'PreprocessingError';
}

/**
 * Applies declared preprocessing and returns a new map; the given one is not changed.
 * @throws PreprocessingError naming operator and tensor when a tensor is missing or has the wrong datatype or width
 */
export function applyPreprocessing(
  operators: readonly Operator[],
  tensors: ReadonlyMap<string, RowTensor>,
): Map<string, RowTensor> {
  const out = new Map(tensors);
  for (const op of operators) {
    const input = out.get(op.input);
    if (!input) throw new PreprocessingError(`${op.op}: there is no tensor "${op.input}"`);
    switch (op.op) {
      case 'hashed_ngrams': {
        const texts = bytesOf(op.op, op.input, input);
        const values = new Float32Array(input.rows * op.features);
        for (let r = 0; r < input.rows; r++) hashedNgrams(op, texts[r] as Uint8Array, values, r * op.features);
        out.set(op.output, { kind: 'numeric', rows: input.rows, width: op.features, values });
        break;
      }
      case 'one_hot': {
        const texts = bytesOf(op.op, op.input, input);
        const width = op.categories.length + 1;
        const values = new Float32Array(input.rows * width);
        const index = new Map(op.categories.map((c, i) => [c, i]));
        for (let r = 0; r < input.rows; r++) {
          values[r * width + (index.get(Buffer.from(texts[r] as Uint8Array).toString('utf8')) ?? width - 1)] = 1;
        }
        out.set(op.output, { kind: 'numeric', rows: input.rows, width, values });
        break;
      }
      case 'standardise': {
        if (input.kind === 'bytes') throw new PreprocessingError(`standardise: tensor "${op.input}" must be numeric`);
        if (op.mean.length !== input.width || op.scale.length !== input.width) {
          throw new PreprocessingError(
            `standardise: tensor "${op.input}" has ${input.width} columns, mean has ${op.mean.length}, scale ` +
              `${op.scale.length}`,
          );
        }
        const { rows, width } = input;
        const values = Float32Array.from(
          input.values as ArrayLike<number | bigint>,
          (x, i) => (Number(x) - (op.mean[i % width] as number)) / (op.scale[i % width] as number),
        );
        out.set(op.input, { kind: 'numeric', rows, width, ...(input.tail ? { tail: input.tail } : {}), values });
        break;
      }
    }
  }
  return out;
}

function bytesOf(op: string, name: string, t: RowTensor): Uint8Array[] {
  if (t.kind !== 'bytes' || t.width !== 1)
    throw new PreprocessingError(`${op}: tensor "${name}" must be BYTES of one column`);
  return t.values;
}
