import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cityHash128 } from './cityhash128.ts';
import { compressLz4, decompressLz4 } from './lz4-block.ts';
import { compressedBlocks, readCompressedBlocks } from './native-blocks.ts';
import { openSession } from './session-pool.ts';

/** The files that the engine wrote for one column, by partition. */
const files = new Map<string, Buffer>();
const folder = mkdtempSync(join(tmpdir(), 'native-blocks-'));
const TEXT = 'SELECT number % 97 AS t FROM numbers(200000)';
beforeAll(async () => {
  const session = openSession(join(folder, 'data'), join(folder, 'none.xml'));
  try {
    await session.queryAsync('SET max_partitions_per_insert_block = 0');
    const wide = 'SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0';
    // A partition of p rows of one byte: the checksums of its blocks are over p + 9 bytes.
    await session.queryAsync(
      `CREATE TABLE sizes (p UInt16, b UInt8 CODEC(NONE)) ENGINE = MergeTree PARTITION BY p ORDER BY tuple() ${wide}`,
    );
    await session.queryAsync(
      `INSERT INTO sizes SELECT p, cityHash64(p, i) AS b
       FROM (SELECT number + 1 AS p, arrayJoin(range(number + 1)) AS i FROM numbers(290))`,
    );
    for (const codec of ['NONE', 'LZ4', 'LZ4HC(9)', 'ZSTD(1)']) {
      const table = codec.replace(/\W/g, '_');
      await session.queryAsync(
        `CREATE TABLE ${table} (p UInt8, b UInt64 CODEC(${codec})) ENGINE = MergeTree ORDER BY tuple() ${wide}`,
      );
      await session.queryAsync(`INSERT INTO ${table} SELECT 1, t FROM (${TEXT})`);
    }
    const { data } = JSON.parse(
      (
        await session.queryAsync("SELECT table, partition, path FROM system.parts WHERE active AND table != 'x'", {
          format: 'JSON',
        })
      ).text(),
    ) as { data: { table: string; partition: string; path: string }[] };
    for (const { table, partition, path } of data)
      if (readdirSync(path).includes('b.bin'))
        files.set(table === 'sizes' ? `sizes ${partition}` : table, readFileSync(join(path, 'b.bin')));
  } finally {
    session.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const expected = (() => {
  const bytes = Buffer.alloc(200_000 * 8);
  for (let i = 0; i < 200_000; i++) bytes.writeUInt32LE(i % 97, i * 8);
  return bytes;
})();
const whole = (parts: Iterable<Buffer>) => Buffer.concat([...parts]);
/** Partly repeating bytes, the same for the same seed. */
function someBytes(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2654435761 + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const back = state >>> 20;
    bytes[i] = state & 0x300 && i > back ? (bytes[i - back - 1] as number) : (state >>> 16) & 255;
  }
  return bytes;
}

describe('compressed blocks', () => {
  it('have the checksums that the engine itself writes, for every length from 10 to 299 bytes', () => {
    const sizes = [...files].filter(([name]) => name.startsWith('sizes '));
    expect(sizes.length).toBe(290);
    for (const [name, file] of sizes)
      expect(cityHash128(file.subarray(16)).toString('hex'), name).toBe(file.subarray(0, 16).toString('hex'));
  });
  it.each(['NONE', 'LZ4', 'LZ4HC_9_'])('of the engine (%s) are read', (codec) => {
    const file = files.get(codec) as Buffer;
    expect(readCompressedBlocks(file, expected.length).equals(expected)).toBe(true);
    expect(() => readCompressedBlocks(file, expected.length - 1)).toThrow('TOO_MANY_BYTES');
  });
  it('of the engine in ZSTD are read when Node has ZSTD, otherwise refused by that name', () => {
    const read = () => readCompressedBlocks(files.get('ZSTD_1_') as Buffer, expected.length);
    if ('zstdDecompressSync' in zlib) expect(read().equals(expected)).toBe(true);
    else expect(read).toThrow(/ZSTD is not understood here/);
  });
  it('of every length are read back as written', () => {
    const lengths = [...Array.from({ length: 400 }, (_, n) => n), 65_535, 65_536, 70_000, 1_048_576, 3_000_001];
    for (const length of lengths) {
      const bytes = someBytes(length, length);
      expect(readCompressedBlocks(whole(compressedBlocks(bytes)), length).equals(bytes), String(length)).toBe(true);
    }
    expect(compressLz4(expected).length).toBeLessThan(expected.length / 50);
  });
  it('with any bit changed, truncated or followed by garbage are refused, by status and code', () => {
    const block = whole(compressedBlocks(someBytes(7, 200)));
    for (let bit = 0; bit < block.length * 8; bit++) {
      const changed = Buffer.from(block);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => readCompressedBlocks(changed, 10_000), `bit ${bit}`).toThrow(
        expect.objectContaining({ status: expect.toSatisfy((s: number) => s === 400 || s === 413) }),
      );
    }
    for (let length = 1; length < block.length; length++)
      expect(() => readCompressedBlocks(block.subarray(0, length), 10_000)).toThrow('ATTEMPT_TO_READ_AFTER_EOF');
    expect(() => readCompressedBlocks(Buffer.concat([block, Buffer.from('x')]), 10_000)).toThrow('READ_AFTER_EOF');
    expect(() => readCompressedBlocks(Buffer.from('SELECT 1 FROM system.one WHERE 1'), 10_000)).toThrow('Code: 32.');
  });
  it('with a valid checksum over a broken LZ4 block, or an unknown method, are refused', () => {
    const framed = (method: number, size: number, data: number[]) => {
      const frame = Buffer.alloc(9);
      frame[0] = method;
      frame.writeUInt32LE(9 + data.length, 1);
      frame.writeUInt32LE(size, 5);
      const rest = Buffer.concat([frame, Buffer.from(data)]);
      return Buffer.concat([cityHash128(rest), rest]);
    };
    expect(() => readCompressedBlocks(framed(0x91, 1, [1]), 100)).toThrow('method 0x91 is not understood');
    expect(() => readCompressedBlocks(framed(0x02, 5, [1]), 100)).toThrow('1 bytes are there, 5 were announced');
    // a copy from before the start; a length that never ends; more than announced; less than announced
    for (const data of [[0x10, 65, 9, 0], [0xf0, 255, 255], [0x20, 65, 66, 0], [0x10, 65], [0x00], []])
      expect(() => readCompressedBlocks(framed(0x82, 3, data), 100), String(data)).toThrow('CANNOT_DECOMPRESS');
    expect(() => readCompressedBlocks(framed(0x82, 0xffffffff, [0x10, 65]), 1000)).toThrow('TOO_MANY_BYTES');
  });
  it('of LZ4 may contain copies that overlap their output', () => {
    expect(decompressLz4(Uint8Array.from([0x1a, 65, 1, 0, 0x10, 66]), 16).toString()).toBe(`${'A'.repeat(15)}B`);
  });
});
