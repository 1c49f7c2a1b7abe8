import * as ort from 'onnxruntime-node';
import type { FileTensor } from '../tensor/fit.ts';
import { OIP_BY_ORT } from '../tensor/batch-tensors.ts';
import type { PlainTensor } from '../tensor/plain-tensor.ts';
import { type Loaded, MOST_OUTPUT_ELEMENTS, type Question } from './messages.ts';

/** ONNX Runtime on CUDA when available, else on the CPU; reports which. Blocks its thread. */
export async function load({
  file,
  threads,
  provider,
}: Extract<Question, { kind: 'load' }>): Promise<{ session: ort.InferenceSession; loaded: Loaded }> {
  const options: ort.InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  };
  // The two calls have different signatures.
  const create = (executionProviders: string[]) =>
    typeof file === 'string'
      ? ort.InferenceSession.create(file, { ...options, executionProviders })
      : ort.InferenceSession.create(file, { ...options, executionProviders });
  const described = (session: ort.InferenceSession, by: 'cuda' | 'cpu', why: string) => ({
    session,
    loaded: {
      provider: by,
      why,
      inputs: session.inputMetadata.map(fileTensor),
      outputs: session.outputMetadata.map(fileTensor),
    },
  });
  if (provider === 'cpu') return described(await create(['cpu']), 'cpu', '');
  try {
    return described(await create(['cuda', 'cpu']), 'cuda', '');
  } catch (error) {
    if (provider === 'cuda') throw error;
    // Only for a model that can be loaded at all does a failure mean that CUDA is missing.
    return described(await create(['cpu']), 'cpu', (error as Error).message.split('\n')[0] ?? '');
  }
}

function fileTensor(m: ort.InferenceSession.ValueMetadata): FileTensor {
  return m.isTensor
    ? { name: m.name, isTensor: true, datatype: OIP_BY_ORT[m.type], type: m.type, shape: m.shape }
    : { name: m.name, isTensor: false, datatype: undefined, type: 'no tensor', shape: [] };
}

/** @throws when the model fails, or returns more than a worker can pass on */
export async function run(
  session: ort.InferenceSession,
  { feeds, fetch }: Extract<Question, { kind: 'run' }>,
): Promise<PlainTensor[]> {
  const tensors = Object.fromEntries(
    feeds.map((t) => [t.name, new ort.Tensor(t.type as 'float32', t.data as Float32Array, t.dims)]),
  );
  const results = await session.run(tensors, [...fetch]);
  const outputs = fetch.map((name): PlainTensor => {
    const { type, dims, data } = results[name] as ort.Tensor;
    return { name, type, dims, data: data as Float32Array | string[] };
  });
  const elements = outputs.reduce((n, o) => n + weight(o.data), 0);
  if (elements > MOST_OUTPUT_ELEMENTS)
    throw new Error(`the outputs have ${elements} elements; at most ${MOST_OUTPUT_ELEMENTS} are allowed in one run`);
  return outputs;
}

const weight = (data: PlainTensor['data']) =>
  Array.isArray(data)
    ? data.reduce((n: number, s: string) => n + 1 + s.length, 0)
    : (data as unknown as { length: number }).length;
