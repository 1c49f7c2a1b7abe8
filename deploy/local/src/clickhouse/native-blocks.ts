import { cityHash128 } from './cityhash128.ts';
import { zstdDecompressSync } from './compression.ts';
import { HttpError } from './errors.ts';
import { compressLz4, decompressLz4 } from './lz4-block.ts';

// ClickHouse's own compression (`compress=1`, `decompress=1`; JDBC's default), the same as in its files. A block is the
// CityHash128 of the rest (16 bytes), the method (1), its size from the method on (4) and the decompressed size (4),
// both little-endian, and the data.

const CHECKSUM = 16;
const HEAD = 9;
/** The size of ClickHouse's own buffer. */
const BLOCK = 1024 * 1024;
const NONE = 0x02;
const LZ4 = 0x82;
const ZSTD = 0x90;

/** Encodes the bytes as compressed blocks, one at a time; empty input gives no block. Pure. */
export function* compressedBlocks(bytes: Uint8Array): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += BLOCK) {
    const data = bytes.subarray(from, from + BLOCK);
    const packed = compressLz4(data);
    const block = Buffer.allocUnsafe(CHECKSUM + HEAD + packed.length);
    block[CHECKSUM] = LZ4;
    block.writeUInt32LE(HEAD + packed.length, CHECKSUM + 1);
    block.writeUInt32LE(data.length, CHECKSUM + 5);
    block.set(packed, CHECKSUM + HEAD);
    block.set(cityHash128(block.subarray(CHECKSUM)), 0);
    yield block;
  }
}

/** A frame of LZ4 (github.com/lz4/lz4, doc/lz4_Frame_format.md) as `Content-Encoding: lz4` has it, in parts. Pure. */
export function* lz4Frame(bytes: Uint8Array): Generator<Buffer> {
  // magic; version 1 with blocks of up to 1 MiB that stand alone, without checksums; the checksum of these two bytes
  yield Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x60, 0x51]);
  for (let from = 0; from < bytes.length; from += BLOCK) {
    const data = bytes.subarray(from, from + BLOCK);
    const packed = compressLz4(data);
    const stored = packed.length >= data.length;
    const block = Buffer.allocUnsafe(4 + (stored ? data : packed).length);
    block.writeUInt32LE(stored ? 0x80000000 + data.length : packed.length);
    block.set(stored ? data : packed, 4);
    yield block;
  }
  yield Buffer.alloc(4);
}

/**
 * Decodes compressed blocks. Pure.
 *
 * @param most limit on all decompressed bytes together
 * @throws HttpError 400 for an invalid block, 413 when it is too long
 */
export function readCompressedBlocks(body: Buffer, most: number): Buffer {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (let at = 0; at < body.length; ) {
    const left = body.length - at;
    if (left < CHECKSUM + HEAD)
      throw bad(32, 'ATTEMPT_TO_READ_AFTER_EOF', 'a compressed block is truncated in its header');
    const method = body[at + CHECKSUM] as number;
    const packed = body.readUInt32LE(at + CHECKSUM + 1);
    const size = body.readUInt32LE(at + CHECKSUM + 5);
    if (packed < HEAD || packed > left - CHECKSUM)
      throw bad(
        32,
        'ATTEMPT_TO_READ_AFTER_EOF',
        `a compressed block says ${packed} bytes, ${left - CHECKSUM} are there`,
      );
    bytes += size;
    if (bytes > most) throw new HttpError(413, '307', 'TOO_MANY_BYTES', `the body may have at most ${most} bytes`);
    const framed = body.subarray(at + CHECKSUM, at + CHECKSUM + packed);
    if (!cityHash128(framed).equals(body.subarray(at, at + CHECKSUM)))
      throw bad(40, 'CHECKSUM_DOESNT_MATCH', 'the checksum of a compressed block does not match');
    parts.push(unpack(method, framed.subarray(HEAD), size));
    at += CHECKSUM + packed;
  }
  return Buffer.concat(parts);
}

function unpack(method: number, data: Buffer, size: number): Buffer {
  if (method !== NONE && method !== LZ4 && method !== ZSTD)
    throw bad(89, 'UNKNOWN_COMPRESSION_METHOD', `method 0x${method.toString(16)} is not understood here; use LZ4`);
  try {
    const unpacked =
      method === NONE ? data : method === LZ4 ? decompressLz4(data, size) : zstdDecompressSync(data, size);
    if (unpacked.length !== size) throw new Error(`${unpacked.length} bytes are there, ${size} were announced`);
    return unpacked;
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw bad(271, 'CANNOT_DECOMPRESS', `a compressed block cannot be read: ${(error as Error).message}`);
  }
}

const bad = (code: number, name: string, message: string) => new HttpError(400, String(code), name, message);
