import * as zlib from 'node:zlib';
import { HttpError } from './errors.ts';

const unknown = (message: string) => new HttpError(415, '73', 'UNKNOWN_COMPRESSION_METHOD', message);

/** Node 20 may lack zstd; the client is told so. @throws HttpError 415; zlib's errors for invalid zstd */
export function zstdDecompressSync(body: Buffer, most: number): Buffer {
  const f = (zlib as unknown as { zstdDecompressSync?: (b: Buffer, o: object) => Buffer }).zstdDecompressSync;
  if (!f) throw unknown('ZSTD is not understood here (this Node has none); use gzip or LZ4');
  return f(body, { maxOutputLength: Math.max(1, most) });
}

const DECODERS = new Map<string, (body: Buffer, most: number) => Buffer>([
  ['identity', (body) => body],
  ['gzip', (body, most) => zlib.gunzipSync(body, { maxOutputLength: most })],
  ['deflate', (body, most) => zlib.inflateSync(body, { maxOutputLength: most })],
  ['br', (body, most) => zlib.brotliDecompressSync(body, { maxOutputLength: most })],
  ['zstd', zstdDecompressSync],
]);

/**
 * Decodes a body by its `Content-Encoding`. Pure.
 *
 * @param most limit on the decoded size, in bytes
 * @throws HttpError 400 for an invalid encoding, 413 when it is too long, 415 for an unknown encoding
 */
export function decoded(body: Buffer, encoding: string | undefined, most: number): Buffer {
  const decode = DECODERS.get(encoding ?? 'identity');
  if (!decode) throw unknown(`content-encoding ${encoding} is not understood here; use gzip`);
  try {
    return decode(body, most);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new HttpError(413, '307', 'TOO_MANY_BYTES', `the body may have at most ${most} bytes`);
    throw new HttpError(
      400,
      '354',
      'ZLIB_INFLATE_FAILED',
      `the body is not valid ${encoding}: ${(error as Error).message}`,
    );
  }
}
