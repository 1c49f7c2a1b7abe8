import type { Datatype, RowTensor } from '@slipway/contracts';
import type { Logger } from '@slipway/platform';
import * as ort from 'onnxruntime-node';
import type { FileTensor } from './fit.ts';

/** Integers beyond 2^53 are bigints, the others numbers. */
export type OutputTensor = {
  name: string;
  datatype: Datatype;
  shape: number[];
  data: (number | bigint | string | boolean)[];
};

const OIP_BY_ORT: Record<string, Datatype> = {
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

let provider: 'cuda' | 'cpu' | undefined;

/** ONNX Runtime on CUDA where there is one, else on the CPU; says which. */
export async function createSession(
  file: string | Uint8Array,
  threads: number,
  log: Logger,
): Promise<{ session: ort.InferenceSession; provider: 'cuda' | 'cpu' }> {
  const options: ort.InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  };
  // The two ways have signatures of their own.
  const create = (executionProviders: string[]) =>
    typeof file === 'string'
      ? ort.InferenceSession.create(file, { ...options, executionProviders })
      : ort.InferenceSession.create(file, { ...options, executionProviders });
  if (provider !== 'cpu') {
    try {
      const session = await create(['cuda', 'cpu']);
      if (provider === undefined) log.info({ provider: 'cuda' }, 'models run on CUDA');
      provider = 'cuda';
      return { session, provider };
    } catch (error) {
      if (provider === 'cuda') throw error;
      // Only a model that can be loaded tells that CUDA is what was missing.
      const session = await create(['cpu']);
      provider = 'cpu';
      log.info(
        { provider, why: (error as Error).message.split('\n')[0] },
        'models run on the CPU: CUDA is not available',
      );
      return { session, provider };
    }
  }
  return { session: await create(['cpu']), provider: 'cpu' };
}

export function describeFile(session: ort.InferenceSession): { inputs: FileTensor[]; outputs: FileTensor[] } {
  const described = (m: ort.InferenceSession.ValueMetadata): FileTensor =>
    m.isTensor
      ? { name: m.name, isTensor: true, datatype: OIP_BY_ORT[m.type], type: m.type, shape: m.shape }
      : { name: m.name, isTensor: false, datatype: undefined, type: 'no tensor', shape: [] };
  return { inputs: session.inputMetadata.map(described), outputs: session.outputMetadata.map(described) };
}

/** ONNX Runtime's arrays; BOOL is a byte. 64-bit integers are fed as they are. */
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

/** One tensor of the parts' rows, which have the same kind and shape behind the rows. */
function feed(parts: RowTensor[], datatype: Datatype): ort.Tensor {
  const first = parts[0] as RowTensor;
  const rows = parts.reduce((n, p) => n + p.rows, 0);
  const dims = [rows, ...tailOf(first)];
  if (first.kind === 'bytes')
    return new ort.Tensor(
      'string',
      parts.flatMap((p) => (p.kind === 'bytes' ? p.values.map((v) => Buffer.from(v).toString('utf8')) : [])),
      dims,
    );
  const type = ORT_BY_OIP[datatype] as keyof typeof ARRAYS;
  const array = new ARRAYS[type](rows * first.width);
  let offset = 0;
  for (const p of parts) {
    (array as { set(values: unknown, offset: number): void }).set(p.values, offset);
    offset += p.values.length;
  }
  return new ort.Tensor(type as 'float32', array as Float32Array, dims);
}

export const tailOf = (t: RowTensor): readonly number[] => t.tail ?? [t.width];

/**
 * Runs preprocessed requests, all of equal shape behind the rows, as one batch and splits the outputs again. Only the
 * named outputs are fetched. @param datatypes of the model's inputs; FP32 where the preprocessing made them
 */
export async function runBatch(
  session: ort.InferenceSession,
  requests: ReadonlyMap<string, RowTensor>[],
  datatypes: ReadonlyMap<string, Datatype>,
  outputNames: readonly string[],
): Promise<OutputTensor[][]> {
  const feeds: Record<string, ort.Tensor> = {};
  for (const name of session.inputNames) {
    const parts = requests.map((r) => {
      const tensor = r.get(name);
      if (!tensor)
        throw new Error(`the model's input "${name}" is neither an input of the request nor made by the preprocessing`);
      return tensor;
    });
    feeds[name] = feed(parts, datatypes.get(name) ?? 'FP32');
  }
  const results = await session.run(feeds, [...outputNames]);
  const counts = requests.map((r) => [...r.values()][0]?.rows ?? 0);
  const total = counts.reduce((a, b) => a + b, 0);
  let row = 0;
  return counts.map((count) => {
    const outputs = outputNames.map((name): OutputTensor => {
      const tensor = results[name] as ort.Tensor;
      const all = tensor.data as ArrayLike<number | bigint | string | boolean>;
      if ((tensor.dims[0] ?? 1) !== total)
        throw new Error(
          `the output "${name}" has ${tensor.dims[0]} rows for ${total} of input: the model does not keep its ` +
            'batch dimension',
        );
      const width = all.length / total;
      const data = Array.from({ length: count * width }, (_, i) => {
        const x = all[row * width + i] as number | bigint | string | boolean;
        return tensor.type === 'bool' ? Boolean(x) : typeof x === 'bigint' ? narrow(x) : x;
      });
      return { name, datatype: OIP_BY_ORT[tensor.type] ?? 'FP32', shape: [count, ...tensor.dims.slice(1)], data };
    });
    row += count;
    return outputs;
  });
}

/** A number where that is exact. */
function narrow(x: bigint): number | bigint {
  const n = Number(x);
  return Number.isSafeInteger(n) ? n : x;
}
