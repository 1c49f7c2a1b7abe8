import { EventEmitter } from 'node:events';
import type { Outgoing, Protocol, TargetReply } from '@slipway/protocol';
import { TargetFault } from '@slipway/routing';
import { Pool } from 'undici';
import { ByteBudget } from '../http/byte-budget.ts';
import { Slots } from './slots.ts';
import { StreamedBody } from './streamed-body.client.ts';

/** `rest`: what comes behind `body` when the answer is streamed; whoever has it reads it to its end, or closes it. */
export type TargetAnswer = TargetReply & { rest?: StreamedBody };

/** A model that answers with more is broken, or hostile. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Answers that say that they have no more are not counted. */
const SMALL_ANSWER_BYTES = 1024 * 1024;
const NOTHING = Buffer.alloc(0);
/** Of the answer to a probe: what says whether a target is ready is short. */
const MOST_PROBE_BYTES = 64 * 1024;

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
   * One attempt; all of it, waiting, connecting, headers and body, ends within `timeoutMs`. Of an answer that is
   * streamed only its first piece has to come by then, and each of the others within as long again.
   * @param options.mostBytes an answer that has more is given up; 64 MiB when absent
   * @throws TargetFault when no answer came; an answer with an error status is an answer
   */
  async ask(
    key: string,
    address: string,
    { method, path, headers, body }: Outgoing,
    options: { timeoutMs: number; mostBytes?: number | undefined; streams: Protocol['streams'] },
  ): Promise<TargetAnswer> {
    const { timeoutMs, mostBytes = MAX_ANSWER_BYTES, streams } = options;
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
      let streamed = false;
      let ended = false;
      /** A stream that breaks off at once ends by itself, too: the place is given back once. */
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

  /** Whether the server at the address says that the version is ready. @param outgoing the protocol's probe */
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
        // Whoever is elsewhere is on no allow-list, and the key is not for them.
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

/** The beginning of a body; what comes behind it is not waited for. */
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
