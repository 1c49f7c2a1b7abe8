// LZ4's block format (github.com/lz4/lz4, doc/lz4_Block_format.md): sequences of literals and of copies of up to 64 KiB
// of earlier output. The packages of the npm registry are native with a build for each platform, or unmaintained and
// without limits on untrusted input.

const SHORTEST_COPY = 4;
/** The last sequence has no copy, and the last copy must begin at least this far before the end. */
const LAST_LITERALS = 5;
const LAST_COPY = 12;
const HASH_BITS = 14;

/** @throws Error when the block does not contain exactly `size` bytes. Pure. */
export function decompressLz4(block: Uint8Array, size: number): Buffer {
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  let end = 0;
  const broken = () => new Error('an LZ4 block is broken');
  /** A length of 15 continues in the following bytes while they are 255. */
  const long = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15)
      for (let more = 255; more === 255; length += more) {
        more = block[at++] ?? -1;
        if (more < 0 || length > size) throw broken();
      }
    return length;
  };
  while (at < block.length) {
    const token = block[at++] as number;
    const literals = long(token >> 4);
    if (at + literals > block.length || end + literals > size) throw broken();
    out.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    if (at === block.length) break;
    const back = (block[at++] ?? 0) | ((block[at++] ?? 0) << 8);
    if (at > block.length || back === 0 || back > end) throw broken();
    const copied = long(token & 15) + SHORTEST_COPY;
    if (end + copied > size) throw broken();
    // A copy may overlap its own output.
    if (back >= copied) out.copyWithin(end, end - back, end - back + copied);
    else for (let i = 0; i < copied; i++) out[end + i] = out[end + i - back] as number;
    end += copied;
  }
  if (end !== size) throw broken();
  return out;
}

/** Compresses one block. Fast rather than small: a copy is tried only at the last occurrence of four bytes. Pure. */
export function compressLz4(bytes: Uint8Array): Buffer {
  const size = bytes.length;
  const out = Buffer.allocUnsafe(size + Math.ceil(size / 255) + 16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const seen = new Int32Array(1 << HASH_BITS).fill(-1);
  let end = 0;
  const more = (length: number) => {
    for (; length >= 255; length -= 255) out[end++] = 255;
    out[end++] = length;
  };
  const write = (from: number, to: number, back: number, copied: number) => {
    const literals = to - from;
    const rest = copied - SHORTEST_COPY;
    out[end++] = (Math.min(literals, 15) << 4) | (back === 0 ? 0 : Math.min(rest, 15));
    if (literals >= 15) more(literals - 15);
    out.set(bytes.subarray(from, to), end);
    end += literals;
    if (back === 0) return;
    out[end++] = back & 255;
    out[end++] = back >> 8;
    if (rest >= 15) more(rest - 15);
  };
  let written = 0;
  let misses = 0;
  for (let at = 0; at <= size - LAST_COPY; ) {
    const four = view.getInt32(at, true);
    const hash = Math.imul(four, -1640531535) >>> (32 - HASH_BITS);
    const before = seen[hash] as number;
    seen[hash] = at;
    if (before < 0 || at - before > 65535 || view.getInt32(before, true) !== four) {
      // Data without repeats are skipped in growing steps.
      at += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    let copied = SHORTEST_COPY;
    while (at + copied < size - LAST_LITERALS && bytes[at + copied] === bytes[before + copied]) copied++;
    write(written, at, at - before, copied);
    at += copied;
    written = at;
  }
  write(written, size, 0, 0);
  return out.subarray(0, end);
}
