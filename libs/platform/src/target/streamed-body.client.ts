import type { Readable } from 'node:stream';
import { TargetFault } from '@slipway/routing';

/**
 * The pieces of an answer as they arrive, each within `patienceMs`. It holds a place at its target until it has ended,
 * so it must be read to the end or closed.
 */
export class StreamedBody implements AsyncIterableIterator<Buffer> {
  private readonly stream: Readable;
  private readonly pieces: AsyncIterator<Buffer>;
  private readonly patienceMs: number;
  private readonly asFault: (error: unknown) => Error;
  private readonly ended: () => void;
  private open = true;

  /** @param ended called once, at the end or when it was closed */
  constructor(stream: Readable, patienceMs: number, asFault: (error: unknown) => Error, ended: () => void) {
    // The reader gets this error; without a reader it may be ignored.
    stream.on('error', () => undefined);
    this.stream = stream;
    this.pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.patienceMs = patienceMs;
    this.asFault = asFault;
    this.ended = ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws TargetFault when the target breaks off, or sends nothing for too long */
  async next(): Promise<IteratorResult<Buffer, undefined>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new TargetFault('timeout', `no further piece arrived within ${this.patienceMs} ms`)),
        this.patienceMs,
      );
    });
    try {
      const piece = await Promise.race([this.pieces.next(), late]);
      if (!piece.done) return piece;
      this.end();
      return { done: true, value: undefined };
    } catch (error) {
      this.close();
      throw this.asFault(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The remaining pieces are discarded. */
  close(): void {
    if (!this.open) return;
    this.end();
    this.stream.destroy();
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  private end(): void {
    if (this.open) this.ended();
    this.open = false;
  }
}
