/** One request's part of a batch. */
export type BatchTiming = { queueUs: number; computeUs: number; batchSize: number };

type Waiting<I, O> = {
  input: I;
  rows: number;
  key: string;
  since: number;
  resolve: (value: { output: O; timing: BatchTiming }) => void;
  reject: (error: unknown) => void;
};

export type BatcherOptions<I, O> = {
  maxBatch: number;
  /** Longest time in microseconds that a request waits for others while the model is idle. */
  maxQueueDelayUs: number;
  maxQueuedRows: number;
  /** Only inputs with the same key share a batch; without it all do. */
  key?: (input: I) => string;
  /** Runs the inputs as one batch and returns one output for each input, in order. */
  run: (inputs: I[]) => Promise<O[]>;
  /** Monotonic milliseconds. */
  clock: () => number;
};

/** Rows of background work in one batch, for which a live request may have to wait. */
const BACKGROUND_BATCH_ROWS = 8;

export class QueueFullError extends Error {
  override name = 'QueueFullError';
}

/**
 * Dynamic batching of one version. Requests are collected while a batch runs; when it ends, as many with the first
 * one's key as fit are run together. So an idle model answers at once, and batches grow with the load.
 * `maxQueueDelayUs` additionally makes an idle model wait for more requests. When a batch fails, each of its members is
 * run again alone, so that an error in one caller's input does not fail the others.
 */
export class Batcher<I, O> {
  private readonly options: BatcherOptions<I, O>;
  private readonly queue: Waiting<I, O>[] = [];
  private readonly background: Waiting<I, O>[] = [];
  private queuedRows = 0;
  private running = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: BatcherOptions<I, O>) {
    this.options = options;
  }

  get waitingRows(): number {
    return this.queuedRows;
  }

  /** @throws QueueFullError when too many rows are waiting */
  submit(input: I, rows: number): Promise<{ output: O; timing: BatchTiming }> {
    if (this.queuedRows + rows > this.options.maxQueuedRows && this.queue.length > 0) {
      return Promise.reject(new QueueFullError(`${this.queuedRows} rows are waiting already`));
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ input, rows, key: this.keyOf(input), since: this.options.clock(), resolve, reject });
      this.queuedRows += rows;
      this.consider();
    });
  }

  /**
   * Background work: it runs, in small batches, only when no live request waits.
   * @throws QueueFullError at once when more live rows wait than fit into a batch: background work is shed first
   */
  submitBackground(input: I, rows: number): Promise<{ output: O; timing: BatchTiming }> {
    if (this.queuedRows > this.options.maxBatch)
      return Promise.reject(new QueueFullError(`${this.queuedRows} live rows are waiting`));
    return new Promise((resolve, reject) => {
      this.background.push({ input, rows, key: this.keyOf(input), since: this.options.clock(), resolve, reject });
      this.consider();
    });
  }

  private keyOf(input: I): string {
    return this.options.key?.(input) ?? '';
  }

  private consider(): void {
    const first = this.queue[0];
    if (this.running) return;
    if (!first) {
      if (this.background.length > 0) void this.dispatch(this.background, BACKGROUND_BATCH_ROWS);
      return;
    }
    const waited = (this.options.clock() - first.since) * 1000;
    if (this.queuedRows >= this.options.maxBatch || waited >= this.options.maxQueueDelayUs) {
      clearTimeout(this.timer);
      this.timer = undefined;
      void this.dispatch(this.queue, this.options.maxBatch);
      return;
    }
    // biome-ignore lint/style/noRestrictedGlobals: a batcher is made of waiting; its clock comes in as an argument
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        this.consider();
      },
      Math.max(0, (this.options.maxQueueDelayUs - waited) / 1000),
    );
  }

  private async dispatch(queue: Waiting<I, O>[], maxRows: number): Promise<void> {
    const batch = this.take(queue, maxRows);
    if (queue === this.queue) for (const b of batch) this.queuedRows -= b.rows;
    this.running = true;
    try {
      await this.runTogether(batch).catch(async (error: unknown) => {
        const [only] = batch;
        if (batch.length === 1) return only?.reject(error);
        for (const b of batch) await this.runTogether([b]).catch(b.reject);
      });
    } finally {
      this.running = false;
      this.consider();
    }
  }

  /** Takes the first request and those with its key that fit; the others keep their places. */
  private take(queue: Waiting<I, O>[], maxRows: number): Waiting<I, O>[] {
    const [first] = queue;
    if (!first) return [];
    const batch: Waiting<I, O>[] = [];
    const left: Waiting<I, O>[] = [];
    let rows = 0;
    for (const next of queue) {
      // A request that is larger than a batch runs alone.
      const fits = batch.length === 0 || (rows + next.rows <= maxRows && next.key === first.key);
      (fits ? batch : left).push(next);
      if (fits) rows += next.rows;
      // After the first one of its key that does not fit, no other is taken, since it would overtake.
      else if (rows + next.rows > maxRows) rows = maxRows;
    }
    queue.splice(0, queue.length, ...left);
    return batch;
  }

  private async runTogether(batch: Waiting<I, O>[]): Promise<void> {
    const started = this.options.clock();
    const outputs = await this.options.run(batch.map((b) => b.input));
    const computeUs = Math.round((this.options.clock() - started) * 1000);
    const batchSize = batch.reduce((n, b) => n + b.rows, 0);
    for (const [i, b] of batch.entries())
      b.resolve({
        output: outputs[i] as O,
        timing: { queueUs: Math.round((started - b.since) * 1000), computeUs, batchSize },
      });
  }
}
