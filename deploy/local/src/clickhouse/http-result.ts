import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { compressedBlocks, lz4Frame } from './native-blocks.ts';
import type { QueryRequest, QueryResult } from './session-pool.ts';

const CONTENT_TYPES: [RegExp, string][] = [
  [/^(JSON|JSONCompact|JSONStrings)$/, 'application/json; charset=UTF-8'],
  [/EachRow/, 'application/x-ndjson; charset=UTF-8'],
  [/^CSV/, 'text/csv; charset=UTF-8'],
  [/^(TabSeparated|TSV)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^(Native|RowBinary|Parquet|Arrow)/, 'application/octet-stream'],
];

/**
 * Sends a result with ClickHouse's headers: unchanged, in ClickHouse's own compression (`compress=1`), or as gzip or
 * LZ4 frames when the client accepts that (`enable_http_compression=1`); in both when it asks for both.
 *
 * @throws Error when the client disconnects before the end
 */
export async function sendResult(
  result: QueryResult,
  request: QueryRequest,
  url: URL,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const format = formatOf(request.sql) ?? request.format;
  res.setHeader('X-ClickHouse-Format', format);
  res.setHeader('X-ClickHouse-Summary', JSON.stringify(summary(result)));
  res.setHeader(
    'Content-Type',
    CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8',
  );
  const asked = (name: string) => url.searchParams.get(name) === '1';
  const blocks = asked('compress');
  const accepted = asked('enable_http_compression') ? String(req.headers['accept-encoding'] ?? '') : '';
  const encoding = /\b(gzip|lz4)\b/.exec(accepted)?.[1];
  if (encoding) res.setHeader('Content-Encoding', encoding);
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  if (!blocks && !encoding) {
    res.end(result.bytes);
    return;
  }
  let parts: Iterable<Uint8Array> = blocks ? compressedBlocks(result.bytes) : [result.bytes];
  if (encoding === 'lz4') parts = lz4Frame(blocks ? Buffer.concat([...parts]) : result.bytes);
  const sent = Readable.from(parts, { objectMode: false });
  await (encoding === 'gzip' ? pipeline(sent, createGzip(), res) : pipeline(sent, res));
}

/**
 * The format named by the last FORMAT of a statement, if only SETTINGS follow. In one pass, since statements may be
 * long.
 */
function formatOf(sql: string): string | undefined {
  let last: RegExpExecArray | undefined;
  for (const found of sql.matchAll(/\bFORMAT\s+(\w+)/gi)) last = found;
  const rest = last && sql.slice(last.index + last[0].length);
  return rest !== undefined && /^\s*(?:SETTINGS[^;]*)?$/i.test(rest) ? last?.[1] : undefined;
}

/**
 * Drivers read `result_rows` (JDBC takes a result without it for empty). The engine does not report the rows that it
 * read.
 */
function summary({ rows, bytes, elapsedSeconds }: QueryResult): Record<string, string> {
  const said = {
    read_rows: rows,
    read_bytes: bytes.length,
    written_rows: 0,
    written_bytes: 0,
    total_rows_to_read: rows,
  };
  const result = { result_rows: rows, result_bytes: bytes.length, elapsed_ns: Math.round(elapsedSeconds * 1e9) };
  return Object.fromEntries(Object.entries({ ...said, ...result }).map(([name, n]) => [name, String(n)]));
}
