import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { PlainTensor } from '../tensor/plain-tensor.ts';
import type { Loaded, Provider, Question, Reply } from './messages.ts';

/**
 * Why a model's process has ended. `hung` (it exceeded a deadline) and `crashed` are faults of the model; `memory`
 * (more than its limit, or than available), `unavailable` (it could not be started) and `ended` (by the worker) are
 * not.
 */
export type EndKind = 'hung' | 'crashed' | 'memory' | 'unavailable' | 'ended';

export class ModelProcessError extends Error {
  override name = 'ModelProcessError';
  readonly kind: EndKind;
  constructor(kind: EndKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

export type ProcessOptions = {
  /** Limit on its resident memory, in bytes. */
  memoryBytes: number;
  /** Its whole environment, without keys and addresses. */
  env: Record<string, string>;
};

/** Heap limit of JavaScript in the process; tensors are outside of it. */
const HEAP_MB = 512;
/** ONNX Runtime would otherwise send telemetry about each session, and leave a file in the temporary folder. */
const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: '1' };
const STARTS_WITHIN_MS = 30_000;
const TAIL = 2000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ONNX Runtime colours what it logs
const COLOURS = /\u001b\[[\d;]*m/g;
/** After the event loop was blocked, timers are due before the messages that arrived meanwhile have been read. */
const LATE_MS = 1000;
// Tests run this file from `src`, but a process needs compiled JavaScript.
const CHILD = fileURLToPath(new URL('./onnx-child.cli.js', import.meta.url.replace(/\/src\/(?=process\/)/, '/dist/')));

type Pending = { resolve: (reply: Reply) => void; reject: (error: ModelProcessError) => void };

/**
 * A child process with one model. It takes one request at a time; each has a deadline, after which the process is
 * ended.
 */
export class ModelProcess {
  /** Resolves, and never rejects, when the process has ended. */
  readonly ended: Promise<ModelProcessError>;
  readonly pid: number | undefined;
  private readonly child: ChildProcess;
  private readonly memoryBytes: number;
  private pending: Pending | undefined;
  private cause: ModelProcessError | undefined;
  private tail = '';
  private readonly ready: Promise<Reply>;

  constructor(options: ProcessOptions) {
    this.memoryBytes = options.memoryBytes;
    try {
      this.child = fork(CHILD, [String(options.memoryBytes)], {
        serialization: 'advanced',
        execArgv: [`--max-old-space-size=${HEAP_MB}`],
        env: { ...options.env, ...NO_TELEMETRY },
        // The fifth is the lifeline: its other end closes with this process, however that ends.
        stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
      });
    } catch (error) {
      throw new ModelProcessError('unavailable', `its process could not be started: ${(error as Error).message}`);
    }
    this.pid = this.child.pid;
    this.child.on('message', (reply: Reply) => {
      const { pending } = this;
      this.pending = undefined;
      pending?.resolve(reply);
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      process.stderr.write(chunk);
      this.tail = (this.tail + chunk.toString().replace(COLOURS, '')).slice(-TAIL);
    });
    this.child.stderr?.on('error', () => undefined);
    const lifeline = this.child.stdio[4] as Socket | undefined;
    lifeline?.on('error', () => undefined);
    lifeline?.on('data', (chunk: Buffer) => {
      const taken = /memory (\d+)/.exec(chunk.toString())?.[1];
      if (taken) this.cause ??= this.tooMuch(`took ${taken} bytes of memory`);
    });
    this.ended = new Promise((resolve) => {
      const end = (error: ModelProcessError) => {
        this.cause ??= error;
        const { pending } = this;
        this.pending = undefined;
        pending?.reject(this.cause);
        resolve(this.cause);
      };
      this.child.once('error', (e) =>
        end(new ModelProcessError('unavailable', `its process could not be started: ${e.message}`)),
      );
      this.child.once('close', (code, signal) => end(this.reasonOf(code, signal)));
    });
    this.ready = this.within(STARTS_WITHIN_MS, 'unavailable', 'its process did not start', undefined);
    this.ready.catch(() => undefined);
  }

  /** @throws Error with ONNX Runtime's message about the file @throws ModelProcessError */
  async load(file: string | Uint8Array, threads: number, provider: Provider | undefined, deadlineMs: number) {
    await this.ready;
    const question: Question = { kind: 'load', file, threads, provider };
    const reply = await this.within(deadlineMs, 'hung', 'it was not loaded', question);
    return (reply as { loaded: Loaded }).loaded;
  }

  /** @throws Error with ONNX Runtime's message about the input @throws ModelProcessError */
  async run(feeds: PlainTensor[], fetch: readonly string[], deadlineMs: number): Promise<PlainTensor[]> {
    const reply = await this.within(deadlineMs, 'hung', 'it did not answer', { kind: 'run', feeds, fetch });
    return (reply as { outputs: PlainTensor[] }).outputs;
  }

  /** Ends the process at once; everyone who waits for it gets `error`. */
  async end(error = new ModelProcessError('ended', 'it was unloaded')): Promise<void> {
    this.cause ??= error;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private async within(ms: number, kind: EndKind, what: string, question: Question | undefined): Promise<Reply> {
    if (this.cause) throw this.cause;
    if (this.pending) throw new Error('a model takes one request at a time');
    // Its earlier messages have nothing to do with how it ends now.
    this.tail = '';
    let timer: NodeJS.Timeout | undefined;
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.pending = { resolve, reject };
        let due = performance.now() + ms;
        const look = () => {
          if (performance.now() > due + LATE_MS) {
            due = performance.now() + LATE_MS;
            timer = setTimeout(look, LATE_MS);
          } else void this.end(new ModelProcessError(kind, `${what} within ${ms} ms; its process was ended`));
        };
        timer = setTimeout(look, ms);
        // The event `close` reports its end; a message that cannot be sent at all is an error of the call alone.
        if (question) this.child.send(question, () => undefined);
      }).finally(() => {
        this.pending = undefined;
      });
      if (!('error' in reply)) return reply;
      throw new Error(reply.error);
    } finally {
      clearTimeout(timer);
    }
  }

  private reasonOf(code: number | null, signal: NodeJS.Signals | null): ModelProcessError {
    const last = this.tail.trim().split('\n').slice(-3).join(' ').slice(-500);
    if (outOfMemory(this.tail)) return this.tooMuch(`ran out of memory (${last})`);
    // This worker ends it only with a reason of its own: this signal came from the system or from somebody else.
    if (signal === 'SIGKILL')
      return this.tooMuch('was killed by a signal from outside, perhaps because the system ran out of memory');
    const how = signal ? `with ${signal}` : `with the exit code ${code}`;
    return new ModelProcessError('crashed', `its process ended ${how}${last ? `: ${last}` : ''}`);
  }

  private tooMuch(what: string): ModelProcessError {
    return new ModelProcessError('memory', `its process ${what}; MODEL_MEMORY_BYTES is ${this.memoryBytes}`);
  }
}

/** Whether the message says that memory was insufficient: another machine, or a larger limit, may have enough. */
export const outOfMemory = (text: string) =>
  /bad_alloc|heap out of memory|failed to allocate memory|cannot allocate memory|out of memory/i.test(text);
