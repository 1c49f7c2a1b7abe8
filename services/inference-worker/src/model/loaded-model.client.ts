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
import { numericTensor } from '../inference/numeric.ts';
import { type InferRequest, parseInferRequest } from '../inference/tensors.ts';
import { misfit } from './fit.ts';
import { createSession, describeFile, type OutputTensor, runBatch, tailOf } from './onnx.client.ts';

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
    const outputs = spec.signature.outputs.map((o) => o.name);
    this.batcher = new Batcher({
      // A first dimension that is fixed is no batch: such a request runs alone.
      maxBatch: spec.signature.inputs.every((i) => i.shape[0] === -1) ? spec.max_batch : 1,
      maxQueueDelayUs: spec.max_queue_delay_us,
      maxQueuedRows,
      clock: () => performance.now(),
      key: shapeKey,
      run: (inputs) => runBatch(session, inputs, datatypes, outputs),
    });
  }

  /**
   * Creates the session from a file, or its bytes, and runs the validation set (or a made-up request), so that the first caller finds it warm.
   * @throws when the file does not fit the signature, or an output is not as expected
   */
  static async load(
    spec: Loadable,
    file: string | Uint8Array,
    options: { threads: number; maxQueuedRows: number; log: Logger },
  ): Promise<LoadedModel> {
    const { session, provider } = await createSession(file, options.threads, options.log);
    const model = new LoadedModel(spec, session, provider, options.maxQueuedRows);
    try {
      await model.prove();
    } catch (error) {
      await session.release();
      throw error;
    }
    return model;
  }

  private async prove(): Promise<void> {
    const { spec } = this;
    const wrong = misfit(spec, describeFile(this.session));
    if (wrong) throw new Error(wrong);
    if (spec.validation.length === 0) await this.infer(madeUpRequest(spec.signature));
    for (const [i, c] of spec.validation.entries()) {
      const { outputs } = await this.infer(
        parseInferRequest(Buffer.from(JSON.stringify({ inputs: c.inputs })), spec.signature, 4096),
      );
      for (const expected of c.outputs) {
        const actual = outputs.find((o) => o.name === expected.name);
        const off = actual ? expected.data.findIndex((x, k) => !close(x, actual.data[k], expected.tolerance)) : -1;
        if (!actual || off >= 0)
          throw new Error(
            `validation case ${i}: output "${expected.name}" is ${String(actual?.data[off])} where ` +
              `${JSON.stringify(expected.data[off])} is expected`,
          );
      }
    }
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
      const wanted = request.outputs ? output.filter((o) => request.outputs?.includes(o.name)) : output;
      return { outputs: priority === 'live' ? wanted : wanted.map(asDoubles), timing };
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

function close(expected: unknown, given: unknown, tolerance: number): boolean {
  const actual = typeof given === 'bigint' ? Number(given) : given;
  return typeof expected === 'number' && typeof actual === 'number'
    ? Math.abs(expected - actual) <= tolerance
    : expected === actual;
}

/** As whoever reads JSON into doubles sees it: so are answers of shadow legs compared, wherever they ran. */
function asDoubles(o: OutputTensor): OutputTensor {
  return { ...o, data: o.data.map((x) => (typeof x === 'bigint' ? Number(x) : x)) };
}

/** Requests share a batch when each tensor has the same datatype and the same shape behind the rows. */
function shapeKey(tensors: Prepared): string {
  let key = '';
  for (const [name, t] of tensors) key += `${name}\0${t.kind}\0${tailOf(t).join()}\n`;
  return key;
}

function madeUpRequest(signature: Signature): InferRequest {
  const tensors = new Map<string, RowTensor>();
  const [first] = signature.inputs;
  const rows = Math.max(1, first?.shape[0] ?? 1);
  for (const s of signature.inputs) {
    const tail = s.shape.slice(1).map((d) => (d === -1 ? 1 : d));
    const width = tail.reduce((a, d) => a * d, 1);
    tensors.set(
      s.name,
      s.datatype === 'BYTES'
        ? {
            kind: 'bytes',
            rows,
            width,
            tail,
            values: Array.from({ length: rows * width }, () => Buffer.from('warm up')),
          }
        : numericTensor(s.datatype, rows, tail, new Array<number>(rows * width).fill(0), (_, message) => {
            throw new Error(message);
          }),
    );
  }
  return { id: undefined, rows, tensors, outputs: undefined };
}
