import { applyPreprocessing, type Datatype, PreprocessingError, type RowTensor } from '@slipway/model';
import { type Loadable } from '@slipway/contracts';
import { formatVersion, ProblemError } from '@slipway/core';
import { ByteBudget, type Logger } from '@slipway/platform';
import { Batcher, type BatchTiming, QueueFullError } from '../batching/batcher.ts';
import { decodeTensors, type OutputTensor, type TensorRequest } from '@slipway/protocol';
import type { Loaded, Provider } from '../process/messages.ts';
import { ModelProcessError } from '../process/model-process.client.ts';
import { type ModelLimits, ModelRunner, type Run } from '../process/model-runner.client.ts';
import { feedsOf, splitOutputs, tailOf } from '../tensor/batch-tensors.ts';
import { misfit } from '../tensor/fit.ts';
import { madeUpRequest } from './made-up.ts';
import { bytesOf, mostRows } from './row-bound.ts';

type Prepared = ReadonlyMap<string, RowTensor>;

export type LoadOptions = {
  threads: number;
  maxQueuedRows: number;
  /** Limit on the tensors of all requests that wait or run; no limit when absent. */
  bytes?: ByteBudget;
  limits: ModelLimits;
  log: Logger;
  /** Called when its process could not be restarted, with the reason, and when it could again. */
  onState?: (up: boolean, reason: string) => void;
};

/** One loaded version: preprocessing and batching here, its ONNX Runtime session in a process of its own. */
export class LoadedModel {
  readonly spec: Loadable;
  readonly provider: Provider;
  private readonly runner: ModelRunner;
  private readonly bytes: ByteBudget;
  private readonly batcher: Batcher<Prepared, OutputTensor[]>;

  private constructor(spec: Loadable, runner: ModelRunner, { maxQueuedRows, bytes }: LoadOptions) {
    this.spec = spec;
    this.bytes = bytes ?? new ByteBudget(Number.POSITIVE_INFINITY);
    this.runner = runner;
    this.provider = runner.loaded.provider;
    const run: Run = (feeds, fetch) => runner.run(feeds, fetch);
    this.batcher = new Batcher({
      // A fixed first dimension is not a batch dimension: such a request runs alone.
      maxBatch: spec.signature.inputs.every((i) => i.shape[0] === -1) ? spec.max_batch : 1,
      maxQueueDelayUs: spec.max_queue_delay_us,
      maxQueuedRows,
      clock: () => performance.now(),
      key: shapeKey,
      run: batchRun(spec, runner.loaded, run),
    });
  }

  /**
   * Loads a file, or its bytes, in a new process and runs the validation set (or a generated request), so that the
   * version is warm for the first caller.
   * @throws ModelProcessError when the process ended while loading
   * @throws Error when the file does not match the signature, or an output is not as expected
   */
  static async load(spec: Loadable, file: string | Uint8Array, options: LoadOptions): Promise<LoadedModel> {
    const { threads, limits, log, onState = () => undefined } = options;
    const runner = await ModelRunner.start({
      name: { model: spec.model, version: spec.version },
      file,
      threads,
      limits,
      log,
      prove: (loaded, run) => prove(spec, loaded, run),
      onState,
    });
    return new LoadedModel(spec, runner, options);
  }

  get waitingRows(): number {
    return this.batcher.waitingRows;
  }

  /**
   * @param priority background work runs only when no live request waits, and is refused first
   * @throws ProblemError invalid_tensor or overloaded; timeout or target_failed when its process ended
   */
  async infer(
    request: TensorRequest,
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
    const held = this.bytes.hold();
    try {
      if (!held.take(bytesOf(prepared))) throw new QueueFullError('the requests under way exceed the memory limit');
      const { output, timing } = await (priority === 'live'
        ? this.batcher.submit(prepared, request.rows)
        : this.batcher.submitBackground(prepared, request.rows));
      const wanted = request.outputs ? output.filter((o) => request.outputs?.includes(o.name)) : output;
      return { outputs: priority === 'live' ? wanted : wanted.map(asDoubles), timing };
    } catch (error) {
      const said = `${formatVersion(this.spec)}: ${(error as Error).message}`;
      if (error instanceof QueueFullError) throw new ProblemError('overloaded', said, { cause: error });
      // Not 503: a missing answer from its process is a failure of the version, not overload.
      if (error instanceof ModelProcessError)
        throw new ProblemError(error.kind === 'hung' ? 'timeout' : 'target_failed', said, { cause: error });
      throw error;
    } finally {
      held.release();
    }
  }

  /** The process; undefined while it is being restarted. */
  get pid(): number | undefined {
    return this.runner.pid;
  }

  async release(): Promise<void> {
    await this.runner.close();
  }
}

/** Runs preprocessed requests, all of equal shape except for their rows, as one batch. */
function batchRun(spec: Loadable, loaded: Loaded, run: Run): (requests: Prepared[]) => Promise<OutputTensor[][]> {
  const datatypes = new Map<string, Datatype>(spec.signature.inputs.map((i) => [i.name, i.datatype]));
  for (const op of spec.preprocessing) datatypes.set('output' in op ? op.output : op.input, 'FP32');
  const inputs = loaded.inputs.map((i) => i.name);
  const outputs = spec.signature.outputs.map((o) => o.name);
  return async (requests) => splitOutputs(await run(feedsOf(inputs, requests, datatypes), outputs), requests);
}

/** @throws Error when the file does not match the signature, or an output is not as the validation set expects */
async function prove(spec: Loadable, loaded: Loaded, run: Run): Promise<void> {
  const wrong = misfit(spec, loaded);
  if (wrong) throw new Error(wrong);
  const runTogether = batchRun(spec, loaded, run);
  const answer = async ({ tensors }: TensorRequest) =>
    (await runTogether([applyPreprocessing(spec.preprocessing, tensors)]))[0] as OutputTensor[];
  if (spec.validation.length === 0) await answer(madeUpRequest(spec));
  const most = Math.min(4096, mostRows(spec.preprocessing));
  for (const [i, c] of spec.validation.entries()) {
    const body = Buffer.from(JSON.stringify({ inputs: c.inputs }));
    const outputs = await answer(decodeTensors(body, spec.signature, most));
    for (const expected of c.outputs) {
      const actual = outputs.find((o) => o.name === expected.name);
      const off = actual ? expected.data.findIndex((x, k) => !close(x, actual.data[k], expected.tolerance)) : -1;
      if (!actual || off >= 0)
        throw new Error(
          `validation case ${i}: output "${expected.name}" is ${String(actual?.data[off])} ` +
            `where ${JSON.stringify(expected.data[off])} is expected`,
        );
    }
  }
}

function close(expected: unknown, given: unknown, tolerance: number): boolean {
  const actual = typeof given === 'bigint' ? Number(given) : given;
  return typeof expected === 'number' && typeof actual === 'number'
    ? Math.abs(expected - actual) <= tolerance
    : expected === actual;
}

/** In the form of JSON parsed into doubles, so that shadow answers compare equal wherever they ran. */
function asDoubles(o: OutputTensor): OutputTensor {
  return { ...o, data: o.data.map((x) => (typeof x === 'bigint' ? Number(x) : x)) };
}

/** Requests share a batch when each tensor has the same datatype and the same shape except for its rows. */
function shapeKey(tensors: Prepared): string {
  let key = '';
  for (const [name, t] of tensors) key += `${name}\0${t.kind}\0${tailOf(t).join()}\n`;
  return key;
}
