import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ProblemCode, problemDocument, ProblemError } from '@slipway/core';
import type { Protocol } from '@slipway/protocol';
import type { Logger } from '../process/log.ts';
import { problemsTotal } from '../process/metrics.ts';

export type Listener = (req: IncomingMessage, res: ServerResponse) => void;
/** Handles a request before the framework; returns true when it has. */
export type HotHandler = (req: IncomingMessage, res: ServerResponse) => boolean;

const INTERNAL = () => new ProblemError('internal', "internal error; the service's log has the details");

/** Time after which a response is given up whose caller does not read on. */
const UNREAD_MS = 60_000;
/** For each server: the responses under way, and whether it still accepts connections. */
const underWay = new WeakMap<Server, { answers: Set<ServerResponse>; draining: boolean }>();

/**
 * The HTTP server of every service. Whatever a caller sends and whatever a listener throws affects one request only,
 * not the process: the caller gets a problem document, or a closed connection when the response had begun. Request
 * targets in absolute form (`POST http://host/path`) are treated as their path, as RFC 9112 requires; `CONNECT` gets
 * 405.
 */
export function createListener(handler: Listener, hot: HotHandler | undefined, log: Logger): Server {
  const state = { answers: new Set<ServerResponse>(), draining: false };
  const server = createServer((req, res) => {
    state.answers.add(res);
    res.once('close', () => state.answers.delete(res));
    if (state.draining) res.shouldKeepAlive = false;
    res.setTimeout(UNREAD_MS, () => res.socket?.writableLength && res.socket.destroy());
    try {
      req.url = originForm(req.url ?? '/');
      if (!hot?.(req, res)) handler(req, res);
    } catch (error) {
      log.error({ err: error, method: req.method, url: req.url }, 'a listener threw');
      answerProblem(res, INTERNAL());
    }
  });
  server.keepAliveTimeout = 65_000;
  // The size of the headers is limited; a limit on their number would silently drop the rest.
  server.maxHeadersCount = 0;
  // A caller that closes its sending side after the request still reads the response.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  underWay.set(server, state);
  server.on('connect', (_req, socket) => refuseConnection(socket, 'method_not_allowed', 'this server is not a proxy'));
  return server;
}

/**
 * Stops accepting connections and waits for the responses under way; each connection closes after its response. Event
 * streams, which have no end, are closed at once (recognised by a content type that was set, not given to `writeHead`).
 * @param patienceMs milliseconds after which the remaining connections are destroyed
 */
export async function drain(server: Server, patienceMs: number): Promise<void> {
  const state = underWay.get(server);
  if (!state || state.draining) return;
  state.draining = true;
  server.close(() => undefined);
  for (const res of state.answers) {
    if (String(res.getHeader('content-type')).startsWith('text/event-stream')) res.end();
    else if (!res.headersSent) res.shouldKeepAlive = false;
  }
  const end = performance.now() + patienceMs;
  while (state.answers.size > 0 && performance.now() < end) {
    server.closeIdleConnections();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Answers with a problem document if the response has not begun, otherwise closes the connection. Never throws.
 * @param extra.protocol the protocol whose refusal format is used
 */
export function answerProblem(
  res: ServerResponse,
  problem: ProblemError,
  extra: { requestId?: string; protocol?: Protocol; headers?: Readonly<Record<string, string>> } = {},
): void {
  problemsTotal.inc({ code: problem.code });
  if (res.headersSent || res.destroyed) {
    if (!res.writableEnded) res.destroy();
    return;
  }
  const { status, headers, body } = extra.protocol?.refusal(problem, extra.requestId) ?? {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json' },
    body: Buffer.from(JSON.stringify(problemDocument(problem, extra))),
  };
  const requestId = extra.requestId ? headerText(extra.requestId) : undefined;
  res.writeHead(status, {
    ...headers,
    'content-length': body.length,
    ...(requestId ? { 'x-request-id': requestId } : {}),
    ...extra.headers,
    // The rest of such a body may never arrive.
    ...(problem.code === 'upload_timeout' ? { connection: 'close' } : {}),
  });
  // The rest of the body is read and discarded: otherwise the caller would see a broken connection instead of the
  // response.
  res.req.resume();
  res.end(body);
}

const BY_PARSER_CODE: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive in time'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions are too large'],
};

/** For bytes that are not an HTTP request: responds with 4xx and closes the connection. */
export function refuseBytes(error: { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = BY_PARSER_CODE[error.code ?? ''] ?? [
    400,
    `not an HTTP request (${error.code ?? 'unknown'})`,
  ];
  refuseConnection(socket, 'invalid_request', detail, status);
}

function refuseConnection(socket: Duplex, code: ProblemCode, detail: string, status?: number): void {
  const problem = new ProblemError(code, detail);
  problemsTotal.inc({ code });
  const document = { ...problemDocument(problem), status: status ?? problem.status };
  const body = JSON.stringify(document);
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${document.status} ${document.status === 405 ? 'Method Not Allowed' : 'Bad Request'}\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
}

function originForm(target: string): string {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(target);
  if (!absolute) return target;
  const rest = target.slice(absolute[0].length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * A request header as text. Node decodes the bytes as Latin-1. They are read as UTF-8 here, and as Latin-1 only when
 * they are not valid UTF-8 (some HTTP libraries send that), so that a name has one spelling either way.
 */
export function headerOf(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  const text = Array.isArray(value) ? value[0] : value;
  if (text === undefined || !NOT_ASCII.test(text)) return text;
  try {
    return STRICT_UTF8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}
const NOT_ASCII = /[^\0-\x7f]/;
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Encodes text as a header value: UTF-8 bytes in the form that `node:http` and undici expect; control characters become
 * `?`.
 */
export function headerText(text: string): string {
  if (!NOT_PRINTABLE.test(text)) return text;
  return Buffer.from(text.replace(CONTROL, '?'), 'utf8').toString('latin1');
}
const NOT_PRINTABLE = /[^\x20-\x7e]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header must not have
const CONTROL = /[\0-\x1f\x7f]/g;
