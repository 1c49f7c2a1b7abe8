/**
 * Repeats a piece of work about every `everyMs` milliseconds. Work that takes longer (a slow store) is followed by an
 * equally long pause, to limit the load that it causes.
 */
export class PacedLoop {
  private readonly work: () => Promise<void>;
  private readonly everyMs: number;
  private closing = false;
  private running: Promise<void> | undefined;
  private rested: (() => void) | undefined;

  /** @param work must not throw */
  constructor(work: () => Promise<void>, everyMs: number) {
    this.work = work;
    this.everyMs = everyMs;
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends a pause at once. */
  wake(): void {
    this.rested?.();
  }

  async close(): Promise<void> {
    this.closing = true;
    this.wake();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.closing) {
      const began = performance.now();
      await this.work();
      const took = performance.now() - began;
      await new Promise<void>((resolve) => {
        this.rested = resolve;
        setTimeout(resolve, Math.max(this.everyMs - took, took));
      });
      this.rested = undefined;
    }
  }
}
