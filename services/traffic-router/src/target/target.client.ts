import { EventEmitter } from 'node:events';
import { ByteBudget } from '@slipway/platform';
import { Pool } from 'undici';
import { TargetFault } from './target-fault.ts';
import { Slots } from './slots.ts';

export type TargetAnswer = { status: number; body: Buffer; headers: Record<string, string | string[] | undefined> };

/** A model that answers with more is broken, or hostile. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Answers that say that they have no more are not counted. */
const SMALL_ANSWER_BYTES = 1024 * 1024;

type Line = { pool: Pool; slots: Slots; bytes: ByteBudget };

/**
 * For each key: requests under way, requests that wait for one of those to end, and bytes of the bodies of all those
 * and of answers that are being read (no bound when absent).
 */
export type TargetLimits = { connections: number; waiting: number; bytes?: number };

/**
 * Kept-alive connections to the targets: for each key, a version at an address, a pool and a bounded queue of its own,
 * so that a target that hangs uses up nothing that another one needs.
 */
export class TargetClient {
  private readonly lines = new Map<string, Line>();
  private readonly limits: TargetLimits;
  constructor(limits: TargetLimits) {
    this.limits = limits;
  }

  private line(key: string, origin: string): Line {
    let line = this.lines.get(key);
    if (!line) {
      const { connections, waiting, bytes = Number.POSITIVE_INFINITY } = this.limits;
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
        bytes: new ByteBudget(bytes),
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
    const { pool, slots, bytes } = this.line(key, url.origin);
    const held = bytes.hold();
    // undici takes an emitter as well: an AbortSignal costs more than the rest of the attempt's bookkeeping together.
    const abort = new EventEmitter();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new TargetFault('timeout', `${address} did not answer within ${timeoutMs} ms`));
        abort.emit('abort');
      }, timeoutMs);
    });
    const overloaded = (what: string) => new TargetFault('overloaded', `too many ${what} ${address}`);
    const attempt = async (): Promise<TargetAnswer> => {
      if (!held.take(body.length)) throw overloaded('bytes are under way to');
      try {
        await slots.take(abort, () => overloaded('requests wait for'));
      } catch (error) {
        held.release();
        throw error;
      }
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
        const isSmall = Number(answered['content-length']) <= SMALL_ANSWER_BYTES;
        if (isSmall) return { status: statusCode, body: Buffer.from(await stream.arrayBuffer()), headers: answered };
        const chunks: Buffer[] = [];
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          if (!held.take(chunk.length)) throw overloaded('bytes of answers come from');
          chunks.push(chunk);
        }
        return { status: statusCode, body: Buffer.concat(chunks), headers: answered };
      } catch (error) {
        throw asFault(address, error);
      } finally {
        held.release();
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
        // Whoever is elsewhere is on no allow-list, and the key is not for them.
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
