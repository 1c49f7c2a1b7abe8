import { EventEmitter } from 'node:events';
import type { Outgoing, Protocol, TargetReply } from '@slipway/protocol';
import { TargetFault } from '@slipway/routing';
import { Pool } from 'undici';
import { ByteBudget } from '../http/byte-budget.ts';
import { Slots } from './slots.ts';
import { StreamedBody } from './streamed-body.client.ts';

/** `rest`: the pieces after `body` of a streamed answer. It must be read to the end, or closed. */
export type TargetAnswer = TargetReply & { rest?: StreamedBody };

/** Default limit on the size of an answer: a model that exceeds it is broken or hostile. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Answers whose length header promises no more than this are not counted. */
const SMALL_ANSWER_BYTES = 1024 * 1024;
const NOTHING = Buffer.alloc(0);
/** Limit on the answer to a probe, which is short. */
const MOST_PROBE_BYTES = 64 * 1024;

/** `base`: what stands before every path. */
type Line = { pool: Pool; slots: Slots; bytes: ByteBudget; base: string };

/**
 * Limits for each key: concurrent requests, waiting requests, and bytes of all these bodies and of the answers that are
 * being read (no limit when absent).
 */
export type TargetLimits = { connections: number; waiting: number; bytes?: number };

/**
 * Keep-alive connections to the targets. Each key (a version at an address) has a pool and a bounded queue of its own,
 * so that a hanging target cannot exhaust what others need.
 */
export class TargetClient {
  private readonly lines = new Map<string, Line>();
  private readonly limits: TargetLimits;
  constructor(limits: TargetLimits) {
    this.limits = limits;
  }

  private line(key: string, address: string): Line {
    let line = this.lines.get(key);
    if (!line) {
      const { origin, pathname } = new URL(address);
      const { connections, waiting, bytes = Number.POSITIVE_INFINITY } = this.limits;
      line = {
        pool: new Pool(origin, {
          connections,
          pipelining: 1,
          keepAliveTimeout: 30_000,
          connect: { timeout: 1000 },
          maxResponseSize: MAX_ANSWER_BYTES,
          // The client's own timeouts are off: the attempt's deadline applies.
          headersTimeout: 0,
          bodyTimeout: 0,
        }),
        slots: new Slots(connections, waiting),
        bytes: new ByteBudget(bytes),
        base: pathname.replace(/\/$/, ''),
      };
      this.lines.set(key, line);
    }
    return line;
  }

  /**
   * Makes one attempt. Waiting, connecting, headers and body together must end within `timeoutMs`. For a streamed
   * answer only the first piece must arrive by then, and each later one within the same time again.
   * @param options.mostBytes limit on the size of the answer; 64 MiB by default
   * @throws TargetFault when there was no answer; an error status is an answer
   */
  async ask(
    key: string,
    address: string,
    { method, path, headers, body }: Outgoing,
    options: { timeoutMs: number; mostBytes?: number | undefined; streams: Protocol['streams'] },
  ): Promise<TargetAnswer> {
    const { timeoutMs, mostBytes = MAX_ANSWER_BYTES, streams } = options;
    const { pool, slots, bytes, base } = this.line(key, address);
    const held = bytes.hold();
    // undici also accepts an emitter; an AbortSignal would cost more than the rest of the attempt's bookkeeping
    // together.
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
      let streamed = false;
      let ended = false;
      /** A stream that breaks off at once also ends by itself; the place is released only once. */
      const end = () => {
        if (ended) return;
        ended = true;
        held.release();
        slots.give();
      };
      try {
        const answer = await pool.request({ method, path: base + path, body, headers, signal: abort });
        const { statusCode: status, headers: said, body: stream } = answer;
        if (streams({ status, headers: said })) {
          const rest = new StreamedBody(stream, timeoutMs, (error) => asFault(address, error), end);
          const first = await rest.next();
          streamed = first.done !== true;
          return first.done
            ? { status, headers: said, body: NOTHING }
            : { status, headers: said, body: first.value, rest };
        }
        const isSmall = Number(said['content-length']) <= Math.min(SMALL_ANSWER_BYTES, mostBytes);
        if (isSmall) return { status, headers: said, body: Buffer.from(await stream.arrayBuffer()) };
        const chunks: Buffer[] = [];
        let bytes = 0;
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > mostBytes) throw new TargetFault('too_long', `${address} answers with over ${mostBytes} bytes`);
          if (!held.take(chunk.length)) throw overloaded('bytes of answers come from');
          chunks.push(chunk);
        }
        return { status, headers: said, body: Buffer.concat(chunks) };
      } catch (error) {
        throw asFault(address, error);
      } finally {
        if (!streamed) end();
      }
    };
    try {
      // undici does not react to the signal while it connects; the caller need not wait for that.
      return await Promise.race([attempt(), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Aborts everything under way to a target, so that the callers try another one now. */
  async reset(key: string): Promise<void> {
    const line = this.lines.get(key);
    this.lines.delete(key);
    line?.slots.close(new TargetFault('dropped', `${key} was given up`));
    await line?.pool.destroy();
  }

  /** Closes idle connections to targets that no route names any more. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, { pool, slots }] of this.lines)
      if (!keys.has(key) && slots.idle) {
        this.lines.delete(key);
        void pool.close();
      }
  }

  /** Whether the server at the address reports that the version is ready. @param outgoing the protocol's probe */
  async probe(
    address: string,
    { method, path, headers, body }: Outgoing,
    isReady: Protocol['isReady'],
    credentials: Record<string, string> = {},
  ): Promise<boolean> {
    try {
      const response = await fetch(`${address.replace(/\/$/, '')}${path}`, {
        method,
        headers: { ...headers, ...credentials },
        ...(method === 'POST' ? { body: new Uint8Array(body) } : {}),
        // Redirections are not followed: the other host is not on the allow-list, and the key must not reach it.
        redirect: 'manual',
        signal: AbortSignal.timeout(1000),
      });
      const answer = await firstBytes(response, MOST_PROBE_BYTES);
      return isReady({ status: response.status, headers: Object.fromEntries(response.headers), body: answer });
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

/** The beginning of a body; the rest is not waited for. */
async function firstBytes(response: Response, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    parts.push(part.subarray(0, most - length));
    length += part.length;
    if (length >= most) break;
  }
  return Buffer.concat(parts);
}
