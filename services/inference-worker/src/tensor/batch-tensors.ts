import type { Datatype, RowTensor } from '@slipway/model';
import type { OutputTensor } from '@slipway/protocol';
import type { PlainTensor } from './plain-tensor.ts';

export const OIP_BY_ORT: Record<string, Datatype> = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  int64: 'INT64',
  int32: 'INT32',
  int16: 'INT16',
  int8: 'INT8',
  uint64: 'UINT64',
  uint32: 'UINT32',
  uint16: 'UINT16',
  uint8: 'UINT8',
  bool: 'BOOL',
  string: 'BYTES',
};
const ORT_BY_OIP = Object.fromEntries(Object.entries(OIP_BY_ORT).map(([a, b]) => [b, a])) as Record<string, string>;

/** ONNX Runtime's arrays; BOOL is a byte. 64-bit integers are passed unchanged. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

type Prepared = ReadonlyMap<string, RowTensor>;

/** Joins the rows of several tensors of the same kind and shape into one. */
function feed(name: string, parts: RowTensor[], datatype: Datatype): PlainTensor {
  const first = parts[0] as RowTensor;
  const rows = parts.reduce((n, p) => n + p.rows, 0);
  const dims = [rows, ...tailOf(first)];
  if (first.kind === 'bytes') {
    const data = parts.flatMap((p) => (p.kind === 'bytes' ? p.values.map((v) => Buffer.from(v).toString('utf8')) : []));
    return { name, type: 'string', dims, data };
  }
  const type = ORT_BY_OIP[datatype] as keyof typeof ARRAYS;
  const data = new ARRAYS[type](rows * first.width);
  let offset = 0;
  for (const p of parts) {
    (data as { set(values: unknown, offset: number): void }).set(p.values, offset);
    offset += p.values.length;
  }
  return { name, type, dims, data };
}

export const tailOf = (t: RowTensor): readonly number[] => t.tail ?? [t.width];

/**
 * Joins preprocessed requests, all of equal shape except for their rows, into one batch.
 * @param datatypes of the model's inputs; FP32 for those made by the preprocessing
 */
export function feedsOf(
  inputNames: readonly string[],
  requests: readonly Prepared[],
  datatypes: ReadonlyMap<string, Datatype>,
): PlainTensor[] {
  return inputNames.map((name) => {
    const parts = requests.map((r) => {
      const tensor = r.get(name);
      if (!tensor)
        throw new Error(`the model's input "${name}" is neither an input of the request nor made by the preprocessing`);
      return tensor;
    });
    return feed(name, parts, datatypes.get(name) ?? 'FP32');
  });
}

/** The outputs of a batch, split into those of its requests again. */
export function splitOutputs(results: readonly PlainTensor[], requests: readonly Prepared[]): OutputTensor[][] {
  const counts = requests.map((r) => [...r.values()][0]?.rows ?? 0);
  const total = counts.reduce((a, b) => a + b, 0);
  let row = 0;
  return counts.map((count) => {
    const outputs = results.map((tensor): OutputTensor => {
      const { name, type, dims } = tensor;
      const all = tensor.data as unknown as ArrayLike<number | bigint | string | boolean>;
      if ((dims[0] ?? 1) !== total)
        throw new Error(
          `the output "${name}" has ${dims[0]} rows for ${total} of input: the model does not keep its batch dimension`,
        );
      const width = all.length / total;
      const data = Array.from({ length: count * width }, (_, i) => {
        const x = all[row * width + i] as number | bigint | string | boolean;
        return type === 'bool' ? Boolean(x) : typeof x === 'bigint' ? narrow(x) : x;
      });
      return { name, datatype: OIP_BY_ORT[type] ?? 'FP32', shape: [count, ...dims.slice(1)], data };
    });
    row += count;
    return outputs;
  });
}

/** A number when that is exact. */
function narrow(x: bigint): number | bigint {
  const n = Number(x);
  return Number.isSafeInteger(n) ? n : x;
}
