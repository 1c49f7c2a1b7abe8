// ClickHouse's HTTP interface in front of the embedded engine: clients speak to it as to a ClickHouse server. A process
// of its own.
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { AnalystSessions, Refused } from './analyst-sessions.ts';
import { gunzipSync, gzipSync, inflateSync, zstdDecompressSync } from './compression.ts';
import { type QueryRequest, type QueryResult, SessionPool } from './session-pool.ts';
import { dropPrivileges } from './unprivileged.ts';

const need = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const folder = need('DATA_DIR');
const port = Number(need('PORT'));
// librdkafka is patient: a killed consumer holds its partitions for 45 s, a request to a broker that froze is given up
// after 60 s.
const configFile = join(folder, '..', 'clickhouse.xml');
// The embedded engine has one thread per core for Kafka tables (a server has 16): two busy topics would starve the
// others for a minute.
writeFileSync(
  configFile,
  '<clickhouse><background_message_broker_schedule_pool_size>16</background_message_broker_schedule_pool_size><background_schedule_pool_size>16</background_schedule_pool_size><kafka><session_timeout_ms>6000</session_timeout_ms><heartbeat_interval_ms>2000</heartbeat_interval_ms><socket_timeout_ms>8000</socket_timeout_ms></kafka></clickhouse>\n',
);
// From here on this process cannot read what belongs to others, the secrets above all: the second wall.
dropPrivileges(process.env['RUN_AS'], folder);
const writers = new SessionPool(folder, 6, configFile);
const analysts = new AnalystSessions(folder, configFile, new SessionPool(folder, 1, configFile));
/** The logins, by the SHA-256 of their passwords: the passwords themselves are not in this process. */
const users: Record<string, { passwordDigest: string; role: 'writer' | 'analyst'; maxBodyBytes: number }> = {
  slipway: { passwordDigest: need('SLIPWAY_PASSWORD_SHA256'), role: 'writer', maxBodyBytes: 256 * 1024 * 1024 },
  analyst: { passwordDigest: need('ANALYST_PASSWORD_SHA256'), role: 'analyst', maxBodyBytes: 1024 * 1024 },
};
type User = (typeof users)[string];

/** URL parameters that are no settings. */
const RESERVED = new Set([
  'query',
  'user',
  'password',
  'database',
  'default_format',
  'session_id',
  'session_timeout',
  'session_check',
  'query_id',
  'compress',
  'decompress',
  'quota_key',
  'role',
  'wait_end_of_query',
  'buffer_size',
  'stacktrace',
  'close_session',
  'client_protocol_version',
  'enable_http_compression',
  'http_make_head_request',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'cancel_http_readonly_queries_on_client_close',
  'log_queries',
]);
const STATUS_BY_CODE: Record<string, number> = {
  '60': 404,
  '81': 404,
  '46': 404,
  '62': 400,
  '47': 400,
  '53': 400,
  '6': 400,
  '27': 400,
  '43': 400,
  '164': 403,
  '497': 403,
  '516': 401,
  '192': 401,
  '193': 401,
  '159': 408,
  '241': 507,
  '396': 413,
  '394': 499,
};

class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

function same(a: string, b: string): boolean {
  const x = Buffer.from(a);
  const y = Buffer.from(b);
  return x.length === y.length && timingSafeEqual(x, y);
}

function authenticate(req: IncomingMessage, url: URL): User {
  let user = url.searchParams.get('user') ?? (req.headers['x-clickhouse-user'] as string | undefined);
  let password = url.searchParams.get('password') ?? (req.headers['x-clickhouse-key'] as string | undefined) ?? '';
  const basic = /^Basic (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
  if (basic) {
    const [u = '', ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':');
    user ??= u;
    password ||= rest.join(':');
  }
  const known = Object.hasOwn(users, user ?? '') ? users[user ?? ''] : undefined;
  if (!known || !same(known.passwordDigest, createHash('sha256').update(password).digest('hex'))) {
    throw new HttpError(
      401,
      '516',
      `Code: 516. DB::Exception: ${user ?? 'default'}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
    );
  }
  return known;
}

async function bodyOf(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes)
      throw new HttpError(
        413,
        '307',
        `Code: 307. DB::Exception: the body may have ${maxBytes} bytes. (TOO_MANY_BYTES)`,
      );
    chunks.push(chunk as Buffer);
  }
  const body = Buffer.concat(chunks);
  switch (req.headers['content-encoding']) {
    case undefined:
    case 'identity':
      return body;
    case 'gzip':
      return gunzipSync(body);
    case 'deflate':
      return inflateSync(body);
    case 'zstd':
      return zstdDecompressSync(body);
    default:
      throw new HttpError(
        415,
        '73',
        `Code: 73. DB::Exception: content-encoding ${req.headers['content-encoding']} is not understood here; use gzip. (UNKNOWN_COMPRESSION_METHOD)`,
      );
  }
}

function requestOf(url: URL, req: IncomingMessage, body: Buffer): QueryRequest {
  const fromUrl = url.searchParams.get('query') ?? '';
  const sql = fromUrl && body.length > 0 ? `${fromUrl}\n${body.toString('utf8')}` : fromUrl || body.toString('utf8');
  if (sql.trim() === '') throw new HttpError(400, '62', 'Code: 62. DB::Exception: Empty query. (SYNTAX_ERROR)');
  const settings: Record<string, string> = {};
  const params: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    if (RESERVED.has(name)) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new HttpError(400, '115', `Code: 115. DB::Exception: Unknown setting '${name}'. (UNKNOWN_SETTING)`);
    if (name.startsWith('param_')) params[name.slice(6)] = value;
    else settings[name] = value;
  }
  const header = (h: string) => req.headers[h] as string | undefined;
  return {
    sql: sql.replace(/;\s*$/, ''),
    format: url.searchParams.get('default_format') ?? header('x-clickhouse-format') ?? 'TabSeparated',
    database: url.searchParams.get('database') ?? header('x-clickhouse-database') ?? 'default',
    settings,
    params,
  };
}

const CONTENT_TYPES: [RegExp, string][] = [
  [/^(JSON|JSONCompact|JSONStrings)$/, 'application/json; charset=UTF-8'],
  [/EachRow/, 'application/x-ndjson; charset=UTF-8'],
  [/^CSV/, 'text/csv; charset=UTF-8'],
  [/^(TabSeparated|TSV)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^(Native|RowBinary|Parquet|Arrow)/, 'application/octet-stream'],
];

async function run(user: User, request: QueryRequest, url: URL, res: ServerResponse): Promise<QueryResult> {
  if (user.role === 'writer') return writers.query(request);
  const gone = new AbortController();
  const leave = () => gone.abort();
  res.once('close', leave);
  try {
    return await analysts.query(request, {
      sessionId: url.searchParams.get('session_id') ?? undefined,
      sessionTimeoutSeconds: Number(url.searchParams.get('session_timeout') ?? 60) || 60,
      gone: gone.signal,
    });
  } finally {
    res.off('close', leave);
  }
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? '/', 'http://localhost');
  if (url.pathname === '/ping' || url.pathname === '/replicas_status') {
    res.end('Ok.\n');
    return;
  }
  if (url.pathname !== '/') {
    res.writeHead(404).end('There is no handle for this path. Use / or /ping.\n');
    return;
  }
  const queryId = url.searchParams.get('query_id') ?? randomUUID();
  res.setHeader('X-ClickHouse-Query-Id', queryId);
  res.setHeader('X-ClickHouse-Timezone', 'UTC');
  res.setHeader('X-ClickHouse-Server-Display-Name', 'slipway-local');
  try {
    const user = authenticate(req, url);
    if (req.method === 'GET' && !url.searchParams.get('query')) {
      res.end('Ok.\n');
      return;
    }
    const request = requestOf(url, req, await bodyOf(req, user.maxBodyBytes));
    const format = /\bFORMAT\s+(\w+)\s*(?:SETTINGS[^;]*)?$/i.exec(request.sql)?.[1] ?? request.format;
    const result = await run(user, request, url, res);
    res.setHeader('X-ClickHouse-Format', format);
    res.setHeader(
      'X-ClickHouse-Summary',
      JSON.stringify({
        read_rows: String(result.rowsRead),
        read_bytes: String(result.bytesRead),
        elapsed_ns: String(Math.round(result.elapsedSeconds * 1e9)),
      }),
    );
    res.setHeader(
      'Content-Type',
      CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8',
    );
    let bytes: Uint8Array = result.bytes;
    if (
      url.searchParams.get('enable_http_compression') === '1' &&
      /\bgzip\b/.test(String(req.headers['accept-encoding'] ?? ''))
    ) {
      bytes = gzipSync(bytes);
      res.setHeader('Content-Encoding', 'gzip');
    }
    res.end(req.method === 'HEAD' ? undefined : bytes);
  } catch (error) {
    const message = (error as Error).message;
    const own = error instanceof HttpError || error instanceof Refused ? error : undefined;
    const code = own?.code ?? /Code: (\d+)/.exec(message)?.[1] ?? '1001';
    if (error instanceof Refused && error.retryAfterSeconds !== undefined)
      res.setHeader('Retry-After', String(error.retryAfterSeconds));
    if (res.headersSent || res.destroyed) {
      res.destroy();
      return;
    }
    res.setHeader('X-ClickHouse-Exception-Code', code);
    res
      .writeHead(own?.status ?? STATUS_BY_CODE[code] ?? 500, {
        'Content-Type': 'text/plain; charset=UTF-8',
      })
      .end(`${message}\n`);
  }
}

const server = createServer((req, res) => void answer(req, res));
server.keepAliveTimeout = 65_000;
server.listen(port, '127.0.0.1');

const stop = () => {
  server.close();
  server.closeAllConnections();
  analysts.close();
  writers.close();
  process.exit(0);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
