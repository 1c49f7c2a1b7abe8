import * as zlib from 'node:zlib';

export { gunzipSync, gzipSync, inflateSync } from 'node:zlib';

/** Node 20 may lack zstd: then the client is told so. */
export function zstdDecompressSync(body: Buffer): Buffer {
  const f = (zlib as unknown as { zstdDecompressSync?: (b: Buffer) => Buffer }).zstdDecompressSync;
  if (!f) throw new Error('Code: 73. DB::Exception: this Node has no zstd; send gzip. (UNKNOWN_COMPRESSION_METHOD)');
  return f(body);
}
