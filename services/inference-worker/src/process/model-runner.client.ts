import { counter, type Logger } from '@slipway/platform';
import type { PlainTensor } from '../tensor/plain-tensor.ts';
import type { Loaded, Provider } from './messages.ts';
import { ModelProcess, ModelProcessError, type ProcessOptions } from './model-process.client.ts';

const endsTotal = counter('slipway_worker_model_process_ends_total', "Ends of models' processes, by cause", [
  'model',
  'version',
  'reason',
]);

export type ModelLimits = ProcessOptions & {
  /** One batch. */
  runDeadlineMs: number;
  /** From the start of the process until the model is loaded and validated. */
  loadDeadlineMs: number;
};

export type Run = (feeds: PlainTensor[], fetch: readonly string[]) => Promise<PlainTensor[]>;

export type RunnerOptions = {
  name: { model: string; version: number };
  file: string | Uint8Array;
  threads: number;
  limits: ModelLimits;
  log: Logger;
  /** Run before it serves, at each start. @throws when the model must not serve */
  prove: (loaded: Loaded, run: Run) => Promise<void>;
  /** Called when it could not be restarted, and when it could again. */
  onState: (up: boolean, reason: string) => void;
};

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** A process that lives this long resets the count of consecutive failures. */
const STEADY_MS = 60_000;

/** The available hardware is determined once. */
let known: Provider | undefined;

/** A model in a process of its own that is restarted, with growing pauses, whenever it ends. */
export class ModelRunner {
  readonly loaded: Loaded;
  private readonly options: RunnerOptions;
  private current: ModelProcess | undefined;
  private down: ModelProcessError | undefined;
  private since = performance.now();
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  private constructor(options: RunnerOptions, process: ModelProcess, loaded: Loaded) {
    this.options = options;
    this.loaded = loaded;
    this.serve(process);
  }

  /** @throws ModelProcessError when its process ended, any other error when the model must not serve */
  static async start(options: RunnerOptions): Promise<ModelRunner> {
    const { process, loaded } = await begin(options);
    return new ModelRunner(options, process, loaded);
  }

  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** @throws ModelProcessError when the process ends meanwhile, or is not running */
  run(feeds: PlainTensor[], fetch: readonly string[]): Promise<PlainTensor[]> {
    if (!this.current) return Promise.reject(this.down);
    return this.current.run(feeds, fetch, this.options.limits.runDeadlineMs);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.current?.end();
  }

  private serve(process: ModelProcess): void {
    this.current = process;
    this.since = performance.now();
    void process.ended.then((error) => {
      if (this.closed) return;
      if (performance.now() - this.since > STEADY_MS) this.failures = 0;
      this.current = undefined;
      this.again(error);
    });
  }

  private again(error: ModelProcessError): void {
    const { name, log } = this.options;
    this.down = error;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++);
    log.error({ ...name, reason: error.kind, error: error.message, pauseMs }, "a model's process ended");
    this.timer = setTimeout(() => void this.restart(), pauseMs);
  }

  private async restart(): Promise<void> {
    const { onState } = this.options;
    try {
      const { process } = await begin(this.options);
      if (this.closed) return void (await process.end());
      this.serve(process);
      onState(true, '');
    } catch (error) {
      if (this.closed) return;
      onState(false, (error as Error).message);
      this.again(
        error instanceof ModelProcessError ? error : new ModelProcessError('crashed', (error as Error).message),
      );
    }
  }
}

async function begin(options: RunnerOptions): Promise<{ process: ModelProcess; loaded: Loaded }> {
  const { name, file, threads, limits, log, prove } = options;
  const process = new ModelProcess(limits);
  void process.ended.then(({ kind }) => {
    if (kind !== 'ended') endsTotal.inc({ model: name.model, version: String(name.version), reason: kind });
  });
  const late = `it was not loaded and validated within ${limits.loadDeadlineMs} ms; its process was ended`;
  const timer = setTimeout(() => void process.end(new ModelProcessError('hung', late)), limits.loadDeadlineMs);
  try {
    const loaded = await process.load(file, threads, known, limits.loadDeadlineMs);
    if (known === undefined)
      log.info(
        { provider: loaded.provider, why: loaded.why },
        loaded.provider === 'cuda' ? 'models run on CUDA' : 'models run on the CPU: CUDA is not available',
      );
    known = loaded.provider;
    await prove(loaded, (feeds, fetch) => process.run(feeds, fetch, limits.runDeadlineMs));
    return { process, loaded };
  } catch (error) {
    await process.end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
