import { EventEmitter } from 'node:events';
import { Pool } from 'undici';
import { TargetFault } from './target-fault.ts';
import { Slots } from './slots.ts';

export type TargetAnswer = { status: number; body: Buffer; headers: Record<string, string | string[] | undefined> };

/** A model that answers with more is broken, or hostile. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

type Line = { pool: Pool; slots: Slots };

/**
 * Kept-alive connections to the targets: for each key, a version at an address, a pool and a bounded queue of its own,
 * so that a target that hangs uses up nothing that another one needs.
 */
export class TargetClient {
  private readonly lines = new Map<string, Line>();
  private readonly limits: { connections: number; waiting: number };
  /** @param limits for each key: requests under way, and requests that wait for one of those to end */
  constructor(limits: { connections: number; waiting: number }) {
    this.limits = limits;
  }

  private line(key: string, origin: string): Line {
    let line = this.lines.get(key);
    if (!line) {
      const { connections, waiting } = this.limits;
      line = {
        pool: new Pool(origin, {
          connections,
          pipelining: 1,
          keepAliveTimeout: 30_000,
          connect: { timeout: 1000 },
          maxResponseSize: MAX_ANSWER_BYTES,
          // The deadline of the whole attempt is ours.
          headersTimeout: 0,
          bodyTimeout: 0,
        }),
        slots: new Slots(connections, waiting),
      };
      this.lines.set(key, line);
    }
    return line;
  }

  /**
   * One attempt; all of it, waiting, connecting, headers and body, ends within `timeoutMs`.
   * @throws TargetFault when no answer came; an answer with an error status is an answer
   */
  async infer(
    key: string,
    address: string,
    path: string,
    body: Buffer,
    headers: Record<string, string>,
    timeoutMs: number,
  ): Promise<TargetAnswer> {
    const url = new URL(address);
    const base = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
    const { pool, slots } = this.line(key, url.origin);
    // undici takes an emitter as well: an AbortSignal costs more than the rest of the attempt's bookkeeping together.
    const abort = new EventEmitter();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new TargetFault('timeout', `${address} did not answer within ${timeoutMs} ms`));
        abort.emit('abort');
      }, timeoutMs);
    });
    const attempt = async (): Promise<TargetAnswer> => {
      await slots.take(abort, () => new TargetFault('overloaded', `too many requests wait for ${address}`));
      try {
        const {
          statusCode,
          headers: answered,
          body: stream,
        } = await pool.request({
          method: 'POST',
          path: base + path,
          body,
          headers,
          signal: abort,
        });
        return { status: statusCode, body: Buffer.from(await stream.arrayBuffer()), headers: answered };
      } catch (error) {
        throw asFault(address, error);
      } finally {
        slots.give();
      }
    };
    try {
      // While undici connects, it does not hear the signal: the caller need not wait for that.
      return await Promise.race([attempt(), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives up on everything that is under way to a target: whoever waits tries another one now. */
  async reset(key: string): Promise<void> {
    const line = this.lines.get(key);
    this.lines.delete(key);
    line?.slots.close(new TargetFault('dropped', `${key} was given up`));
    await line?.pool.destroy();
  }

  /** Closes the connections to targets that no route names any more and that nothing is under way to. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, { pool, slots }] of this.lines)
      if (!keys.has(key) && slots.idle) {
        this.lines.delete(key);
        void pool.close();
      }
  }

  /** Whether the server at the address says that the version is ready. */
  async probe(
    { address, model, version }: { address: string; model: string; version: string },
    headers: Record<string, string> = {},
  ): Promise<boolean> {
    try {
      const response = await fetch(`${address.replace(/\/$/, '')}/v2/models/${model}/versions/${version}/ready`, {
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(1000),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.lines.keys()].map((key) => this.reset(key)));
  }
}

function asFault(address: string, error: unknown): TargetFault {
  if (error instanceof TargetFault) return error;
  const { code, message } = error as { code?: string; message: string };
  const kind =
    code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'EHOSTUNREACH'
      ? 'connect'
      : code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED'
        ? 'dropped'
        : 'broken';
  return new TargetFault(kind, `${address}: ${message}`, { cause: error });
}
