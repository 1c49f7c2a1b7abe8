import {
  type AnswerOf,
  type Api,
  type Operation,
  type ParamsOf,
  pathOf,
  type QueryOf,
  type SentBodyOf,
} from '@slipway/contracts';
import { problemOf, RefusedError, UnansweredError } from './errors.ts';
import { splitEvents } from './events.ts';
import { isPassing, pauseMs } from './retry.ts';

export type ClientOptions = {
  /** Base URL of the service. With several equal ones, each call and each further attempt uses the next. */
  url: string | readonly string[];
  /** The API key; undefined when the service needs none. */
  key?: string;
  /** Number of attempts for calls that may be repeated, including the first; 3 by default. */
  attempts?: number;
  /**
   * Timeout of one attempt in milliseconds, until its response has arrived; 60 s by default. Event streams have none.
   */
  timeoutMs?: number;
};

/** Options of one call. */
export type CallOptions = {
  /**
   * Idempotency key: two calls with the same key take effect once. Generated when absent, so that repeats of this call
   * are safe.
   */
  idempotencyKey?: string;
  /**
   * Number of attempts for this call, whether or not the operation may be repeated: the caller takes responsibility.
   */
  attempts?: number;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
};

/** Path and query parameters. */
type Where<O extends Operation> = ParamsOf<O> & Partial<QueryOf<O>>;
type HasWhere<O extends Operation> = keyof Where<O> extends never ? false : true;
type Bytes = Uint8Array | Blob;
type Sent<O extends Operation> = O['body'] extends 'bytes' ? Bytes : SentBodyOf<O>;
type Received<O extends Operation> = O['response'] extends 'bytes' ? Uint8Array : AnswerOf<O>;
type EventsIn<O extends Operation> = O['response'] extends { events: infer E }
  ? { [K in keyof E]: { event: K; data: E[K] extends { _zod: { output: infer T } } ? T : never } }[keyof E]
  : never;

type WhereArgument<O extends Operation> =
  HasWhere<O> extends false ? [] : Record<never, never> extends Where<O> ? [where?: Where<O>] : [where: Where<O>];
type BodyArgument<O extends Operation> = O['body'] extends undefined
  ? []
  : undefined extends Sent<O>
    ? [body?: Sent<O>]
    : [body: Sent<O>];
type Call<O extends Operation> = (
  ...args: [...WhereArgument<O>, ...BodyArgument<O>, options?: CallOptions]
) => O['response'] extends { events: unknown } ? AsyncIterable<EventsIn<O>> : Promise<Received<O>>;

/**
 * An API as functions: `client.rollouts.command({ id }, { command: 'start' })`. The first argument holds path and query
 * parameters, if the operation has any; then comes the body, if it takes one; then options.
 */
export type Client<A extends Api> = {
  readonly [R in keyof A]: { readonly [O in keyof A[R]]: Call<A[R][O]> };
} & Pick<Connection, 'url' | 'call'>;

/** @param api the operations of the service */
export function createClient<A extends Api>(api: A, options: ClientOptions): Client<A> {
  const connection = new Connection(options);
  const resources = Object.entries(api).map(([resource, operations]) => [
    resource,
    Object.fromEntries(
      Object.entries(operations).map(([name, operation]) => [
        name,
        (...args: unknown[]) => run(connection, operation, args),
      ]),
    ),
  ]);
  const { url, call } = connection;
  return { url, call, ...Object.fromEntries(resources) } as Client<A>;
}

/** @param args as described at `Client` */
function run(connection: Connection, operation: Operation, args: readonly unknown[]): unknown {
  const rest = [...args];
  const hasWhere = Object.keys({ ...operation.params.shape, ...operation.query.shape }).length > 0;
  const where = hasWhere ? (rest.shift() as Record<string, unknown> | undefined) : undefined;
  const body = operation.body === undefined ? undefined : rest.shift();
  const { idempotencyKey, attempts, signal, headers }: CallOptions = rest.shift() ?? {};
  const { method, response, repeatable } = operation;
  const key: Record<string, string> =
    repeatable === 'by key' ? { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() } : {};
  const request = {
    body,
    signal,
    headers: { ...key, ...headers },
    attempts: attempts ?? (repeatable === 'never' ? 1 : connection.attempts),
  };
  const path = pathOf(operation, where);
  if (typeof response === 'object' && 'events' in response) return eventsOf(connection, path, request);
  return connection.send(method.toUpperCase(), path, request, response === 'bytes' ? bytesOf : jsonOf);
}

type Attempted = {
  body?: unknown;
  headers: Readonly<Record<string, string>>;
  attempts: number;
  signal?: AbortSignal | undefined;
  /** An event stream has no end, so its duration is not limited. */
  endless?: boolean;
};

/** A connection to a service with one API key. */
class Connection {
  /** The first base URL. */
  readonly url: string;
  readonly attempts: number;
  private readonly urls: readonly string[];
  private next = 0;
  private readonly options: ClientOptions;

  constructor(options: ClientOptions) {
    this.options = options;
    this.attempts = options.attempts ?? 3;
    this.urls = [options.url].flat().map((url) => url.replace(/\/$/, ''));
    this.url = this.urls[0] ?? '';
  }

  /**
   * Sends any request, once. For tools and tests, whose requests need not be valid.
   * @returns the JSON of the response @throws RefusedError, UnansweredError
   */
  readonly call = <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> =>
    this.send(method, path, { body, headers, attempts: 1 }, jsonOf<T>);

  /** @param read reads the response; a connection that breaks meanwhile is retried, too */
  async send<T>(method: string, path: string, request: Attempted, read: (r: Response) => Promise<T>): Promise<T> {
    for (let failed = 1; ; failed++) {
      const url = this.urls[this.next++ % this.urls.length] as string;
      try {
        return await this.attempt(method, `${url}${path}`, request, read);
      } catch (error) {
        const passing = error instanceof UnansweredError || (error instanceof RefusedError && isPassing(error.status));
        if (!passing || failed >= request.attempts || request.signal?.aborted) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs(failed, Math.random())));
    }
  }

  private async attempt<T>(
    method: string,
    url: string,
    { body, headers, signal, endless }: Attempted,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const bytes = body instanceof Uint8Array || body instanceof Blob;
    const { key, timeoutMs = 60_000 } = this.options;
    const signals = [...(signal ? [signal] : []), ...(endless ? [] : [AbortSignal.timeout(timeoutMs)])];
    let status: number;
    let text: string;
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': bytes ? 'application/octet-stream' : 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: bytes ? (body as never) : JSON.stringify(body) }),
        // Redirections are not followed: no Slipway service sends them, and the key must not reach another host.
        redirect: 'error',
        signal: AbortSignal.any(signals),
      });
      if (response.ok) return await read(response);
      status = response.status;
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new UnansweredError(`${method} ${url}: no answer`, { cause: error });
    }
    const problem = problemOf(text);
    if (problem) throw new RefusedError(problem);
    throw new UnansweredError(`${method} ${url}: answered ${status} without a problem document`);
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

async function jsonOf<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Yields the events of a stream as they arrive, until it ends or the reader stops. */
async function* eventsOf(
  connection: Connection,
  path: string,
  request: Attempted,
): AsyncGenerator<{ event: string; data: unknown }> {
  const reader = await connection.send('GET', path, { ...request, endless: true }, async ({ body }) =>
    body?.getReader(),
  );
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
      const { events, rest } = splitEvents(text + decoder.decode(piece.value as Uint8Array, { stream: true }));
      text = rest;
      for (const { event, data } of events) yield { event, data: JSON.parse(data) as unknown };
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}
