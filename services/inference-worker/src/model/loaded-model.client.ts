import {
  applyPreprocessing,
  type Datatype,
  type Loadable,
  PreprocessingError,
  ProblemError,
  type RowTensor,
  type Signature,
} from '@slipway/contracts';
import type { Logger } from '@slipway/platform';
import type { InferenceSession } from 'onnxruntime-node';
import { Batcher, type BatchTiming, QueueFullError } from '../batching/batcher.ts';
import { type InferRequest, parseInferRequest } from '../inference/tensors.ts';
import { createSession, type OutputTensor, runBatch } from './onnx.client.ts';

type Prepared = ReadonlyMap<string, RowTensor>;

/** One version, loaded: preprocessing, batching and its ONNX Runtime session. */
export class LoadedModel {
  readonly spec: Loadable;
  readonly provider: 'cuda' | 'cpu';
  private readonly session: InferenceSession;
  private readonly batcher: Batcher<Prepared, OutputTensor[]>;

  private constructor(spec: Loadable, session: InferenceSession, provider: 'cuda' | 'cpu', maxQueuedRows: number) {
    this.spec = spec;
    this.session = session;
    this.provider = provider;
    const datatypes = new Map<string, Datatype>(spec.signature.inputs.map((i) => [i.name, i.datatype]));
    for (const op of spec.preprocessing) datatypes.set('output' in op ? op.output : op.input, 'FP32');
    this.batcher = new Batcher({
      maxBatch: spec.max_batch,
      maxQueueDelayUs: spec.max_queue_delay_us,
      maxQueuedRows,
      clock: () => performance.now(),
      run: (inputs) => runBatch(session, inputs, datatypes),
    });
  }

  /**
   * Creates the session and runs the validation set (or a made-up request), so that the first caller finds it warm.
   * @throws when an output is not as expected
   */
  static async load(
    spec: Loadable,
    bytes: Uint8Array,
    options: { threads: number; maxQueuedRows: number; log: Logger },
  ): Promise<LoadedModel> {
    const { session, provider } = await createSession(bytes, options.threads, options.log);
    const model = new LoadedModel(spec, session, provider, options.maxQueuedRows);
    if (spec.validation.length === 0) await model.infer(madeUpRequest(spec.signature));
    for (const [i, c] of spec.validation.entries()) {
      const { outputs } = await model.infer(
        parseInferRequest(Buffer.from(JSON.stringify({ inputs: c.inputs })), spec.signature, 4096),
      );
      for (const expected of c.outputs) {
        const actual = outputs.find((o) => o.name === expected.name);
        const off = actual ? expected.data.findIndex((x, k) => !close(x, actual.data[k], expected.tolerance)) : -1;
        if (!actual || off >= 0)
          throw new Error(
            `validation case ${i}: output "${expected.name}" is ${JSON.stringify(actual?.data[off])} where ${JSON.stringify(expected.data[off])} is expected`,
          );
      }
    }
    return model;
  }

  get waitingRows(): number {
    return this.batcher.waitingRows;
  }

  /**
   * @param priority background work runs only when nothing live waits, and is refused first @throws ProblemError
   * invalid_tensor or overloaded
   */
  async infer(
    request: InferRequest,
    priority: 'live' | 'background' = 'live',
  ): Promise<{ outputs: OutputTensor[]; timing: BatchTiming }> {
    let prepared: Prepared;
    try {
      prepared = applyPreprocessing(this.spec.preprocessing, request.tensors);
    } catch (error) {
      if (error instanceof PreprocessingError)
        throw new ProblemError('invalid_tensor', error.message, { cause: error });
      throw error;
    }
    try {
      const { output, timing } = await (priority === 'live'
        ? this.batcher.submit(prepared, request.rows)
        : this.batcher.submitBackground(prepared, request.rows));
      return { outputs: request.outputs ? output.filter((o) => request.outputs?.includes(o.name)) : output, timing };
    } catch (error) {
      if (error instanceof QueueFullError)
        throw new ProblemError('overloaded', `${this.spec.model}:${this.spec.version}: ${error.message}`, {
          cause: error,
        });
      throw error;
    }
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function close(expected: unknown, actual: unknown, tolerance: number): boolean {
  return typeof expected === 'number' && typeof actual === 'number'
    ? Math.abs(expected - actual) <= tolerance
    : expected === actual;
}

function madeUpRequest(signature: Signature): InferRequest {
  const tensors = new Map<string, RowTensor>();
  for (const s of signature.inputs) {
    const width = s.shape.slice(1).reduce((a, d) => a * (d === -1 ? 1 : d), 1);
    tensors.set(
      s.name,
      s.datatype === 'BYTES'
        ? { kind: 'bytes', rows: 1, width, values: Array.from({ length: width }, () => Buffer.from('warm up')) }
        : { kind: 'numeric', rows: 1, width, values: new Float32Array(width) },
    );
  }
  return { id: undefined, rows: 1, tensors, outputs: undefined };
}
