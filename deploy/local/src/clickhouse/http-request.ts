import type { IncomingMessage } from 'node:http';
import { decoded } from './compression.ts';
import { HttpError } from './errors.ts';
import { readCompressedBlocks } from './native-blocks.ts';
import type { QueryRequest } from './session-pool.ts';

/** URL parameters that are not settings. */
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
/** Parses the address of a request. @throws HttpError 400 for an invalid address or query_id */
export function addressOf(req: IncomingMessage): URL {
  const base = 'http://localhost';
  const url = URL.canParse(req.url ?? '/', base) ? new URL(req.url ?? '/', base) : undefined;
  if (!url) throw new HttpError(400, '36', 'BAD_ARGUMENTS', 'the address of the request cannot be read');
  if (!/^[\x20-\x7e]{0,200}$/.test(url.searchParams.get('query_id') ?? ''))
    throw new HttpError(400, '36', 'BAD_ARGUMENTS', 'a query_id must have 1 to 200 printable ASCII characters');
  return url;
}

/**
 * The body of a request, decoded by `Content-Encoding` and from ClickHouse's own compression (`decompress=1`).
 *
 * @param most limit on its size in bytes, compressed as well as decompressed
 * @throws HttpError when it is too long or not encoded like this
 */
export async function bodyOf(req: IncomingMessage, url: URL, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += (chunk as Buffer).length;
    if (bytes > most) throw new HttpError(413, '307', 'TOO_MANY_BYTES', `the body may have at most ${most} bytes`);
    chunks.push(chunk as Buffer);
  }
  const body = decoded(Buffer.concat(chunks), req.headers['content-encoding'], most);
  return url.searchParams.get('decompress') === '1' ? readCompressedBlocks(body, most) : body;
}

/** The query of a request, from its address, headers and body. @throws HttpError 400 when there is none */
export async function requestOf(url: URL, req: IncomingMessage, body: Buffer): Promise<QueryRequest> {
  const form = await formOf(req.headers['content-type'], body);
  const text = form ? (form.get('query') ?? '') : body.toString('utf8');
  const fromUrl = url.searchParams.get('query') ?? '';
  const sql = fromUrl && text ? `${fromUrl}\n${text}` : fromUrl || text;
  if (sql.trim() === '') throw new HttpError(400, '62', 'SYNTAX_ERROR', 'Empty query');
  const settings: Record<string, string> = {};
  const params: Record<string, string> = {};
  for (const [name, value] of [...url.searchParams, ...(form ?? [])]) {
    if (RESERVED.has(name)) continue;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new HttpError(400, '115', 'UNKNOWN_SETTING', `Unknown setting '${name}'`);
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

/**
 * The fields of a form (`multipart/form-data`), in which clients put parameters that are too long for an address.
 *
 * @returns undefined when the body is not a form
 * @throws HttpError 400 for an invalid form, and for one with files (external tables of a query)
 */
async function formOf(contentType: string | undefined, body: Buffer): Promise<Map<string, string> | undefined> {
  if (!contentType?.startsWith('multipart/form-data')) return undefined;
  const fields = new Map<string, string>();
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } })
    .formData()
    .catch(() => undefined);
  if (!form) throw new HttpError(400, '36', 'BAD_ARGUMENTS', 'the form in the body cannot be read');
  for (const [name, value] of form) {
    if (typeof value !== 'string')
      throw new HttpError(400, '36', 'BAD_ARGUMENTS', `${name}: external tables in the body are not supported`);
    fields.set(name, value);
  }
  return fields;
}
