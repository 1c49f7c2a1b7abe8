import type { Datatype, RowTensor } from '@slipway/contracts';
import type { Logger } from '@slipway/platform';
import * as ort from 'onnxruntime-node';

export type OutputTensor = { name: string; datatype: Datatype; shape: number[]; data: (number | string | boolean)[] };

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
  bytes: Uint8Array,
  threads: number,
  log: Logger,
): Promise<{ session: ort.InferenceSession; provider: 'cuda' | 'cpu' }> {
  const options: ort.InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  };
  if (provider !== 'cpu') {
    try {
      const session = await ort.InferenceSession.create(bytes, { ...options, executionProviders: ['cuda', 'cpu'] });
      if (provider === undefined) log.info({ provider: 'cuda' }, 'models run on CUDA');
      provider = 'cuda';
      return { session, provider };
    } catch (error) {
      if (provider === 'cuda') throw error;
      provider = 'cpu';
      log.info(
        { provider, why: (error as Error).message.split('\n')[0] },
        'models run on the CPU: CUDA is not available',
      );
    }
  }
  return {
    session: await ort.InferenceSession.create(bytes, { ...options, executionProviders: ['cpu'] }),
    provider: 'cpu',
  };
}

function feed(parts: RowTensor[], datatype: Datatype | undefined): ort.Tensor {
  const first = parts[0] as RowTensor;
  const rows = parts.reduce((n, p) => n + p.rows, 0);
  const dims = [rows, first.width];
  if (first.kind === 'bytes')
    return new ort.Tensor(
      'string',
      parts.flatMap((p) => (p.kind === 'bytes' ? p.values.map((v) => Buffer.from(v).toString('utf8')) : [])),
      dims,
    );
  const type = datatype ? (ORT_BY_OIP[datatype] ?? 'float32') : 'float32';
  const total = rows * first.width;
  const fill = <A extends { set(values: ArrayLike<never>, offset: number): void }>(
    array: A,
    convert?: (x: number) => unknown,
  ): A => {
    let offset = 0;
    for (const p of parts) {
      if (p.kind !== 'numeric') continue;
      array.set((convert ? Array.from(p.values, convert) : p.values) as unknown as ArrayLike<never>, offset);
      offset += p.values.length;
    }
    return array;
  };
  switch (type) {
    case 'int64':
      return new ort.Tensor('int64', fill(new BigInt64Array(total), BigInt), dims);
    case 'int32':
      return new ort.Tensor('int32', fill(new Int32Array(total)), dims);
    case 'uint8':
      return new ort.Tensor('uint8', fill(new Uint8Array(total)), dims);
    case 'bool':
      return new ort.Tensor('bool', fill(new Uint8Array(total)), dims);
    case 'float64':
      return new ort.Tensor('float64', fill(new Float64Array(total)), dims);
    default:
      return new ort.Tensor('float32', fill(new Float32Array(total)), dims);
  }
}

/**
 * Runs preprocessed requests as one batch and splits the outputs again. @param datatypes of the inputs that are fed as
 * they came
 */
export async function runBatch(
  session: ort.InferenceSession,
  requests: ReadonlyMap<string, RowTensor>[],
  datatypes: ReadonlyMap<string, Datatype>,
): Promise<OutputTensor[][]> {
  const feeds: Record<string, ort.Tensor> = {};
  for (const name of session.inputNames) {
    const parts = requests.map((r) => {
      const tensor = r.get(name);
      if (!tensor)
        throw new Error(`the model's input "${name}" is neither an input of the request nor made by the preprocessing`);
      return tensor;
    });
    feeds[name] = feed(parts, datatypes.get(name));
  }
  const results = await session.run(feeds);
  const counts = requests.map((r) => [...r.values()][0]?.rows ?? 0);
  const total = counts.reduce((a, b) => a + b, 0);
  let row = 0;
  return counts.map((count) => {
    const outputs = session.outputNames.map((name): OutputTensor => {
      const tensor = results[name] as ort.Tensor;
      const all = tensor.data as ArrayLike<number | bigint | string | boolean>;
      if ((tensor.dims[0] ?? 1) !== total)
        throw new Error(
          `the output "${name}" has ${tensor.dims[0]} rows for ${total} of input: the model does not keep its batch dimension`,
        );
      const width = all.length / total;
      const data = Array.from({ length: count * width }, (_, i) => {
        const x = all[row * width + i] as number | bigint | string | boolean;
        return tensor.type === 'bool' ? Boolean(x) : typeof x === 'bigint' ? Number(x) : x;
      });
      return { name, datatype: OIP_BY_ORT[tensor.type] ?? 'FP32', shape: [count, ...tensor.dims.slice(1)], data };
    });
    row += count;
    return outputs;
  });
}
