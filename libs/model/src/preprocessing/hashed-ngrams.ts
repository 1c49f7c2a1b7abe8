import type { Operator } from './preprocessing.ts';

export type HashedNgrams = Extract<Operator, { op: 'hashed_ngrams' }>;

const FNV_PRIME = 0x01000193;
const FNV_OFFSET = 0x811c9dc5;
/** Separates the words of an n-gram; it cannot occur inside a word. */
const SEPARATOR = 0x20;

/**
 * A word byte is an ASCII letter, a digit, `$`, `!` or any byte of a multi-byte UTF-8 character. Every other byte
 * separates words.
 */
const isWordByte = new Uint8Array(256);
for (let b = 0; b < 256; b++) {
  isWordByte[b] =
    (b >= 48 && b <= 57) || (b >= 65 && b <= 90) || (b >= 97 && b <= 122) || b === 36 || b === 33 || b >= 128 ? 1 : 0;
}

/** Murmur3's finaliser: spreads FNV's weak low bits before the modulus. */
function avalanche(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Writes the hashed n-gram counts of one text into `out[offset … offset + features)`, which must be zero.
 *
 * Definition: words are maximal runs of word bytes, ASCII-lowercased if asked; an n-gram's hash is FNV-1a (32 bits,
 * offset basis XOR seed) over its words joined by one 0x20, through Murmur3's finaliser; it counts in column hash mod
 * features. Then the weighting, then the L2 norm (a text without words stays all zero).
 */
export function hashedNgrams(op: HashedNgrams, text: Uint8Array, out: Float32Array, offset: number): void {
  const { features, seed, lowercase } = op;
  const end = Math.min(text.length, op.max_bytes);
  const longest = Math.max(...op.ngrams);
  const wanted = new Uint8Array(longest + 1);
  for (const n of op.ngrams) wanted[n] = 1;
  const basis = (FNV_OFFSET ^ seed) | 0;
  // open[k]: FNV state of the n-gram of k + 1 words that ends with the word being read
  const open = new Int32Array(longest);
  let words = 0;
  let i = 0;
  while (i < end) {
    while (i < end && isWordByte[text[i] as number] === 0) i++;
    if (i >= end) break;
    for (let k = Math.min(longest - 1, words); k > 0; k--)
      open[k] = Math.imul((open[k - 1] as number) ^ SEPARATOR, FNV_PRIME);
    open[0] = basis;
    const depth = Math.min(longest, words + 1);
    for (; i < end; i++) {
      let b = text[i] as number;
      if (isWordByte[b] === 0) break;
      if (lowercase && b >= 65 && b <= 90) b += 32;
      for (let k = 0; k < depth; k++) open[k] = Math.imul((open[k] as number) ^ b, FNV_PRIME);
    }
    words++;
    for (let k = 0; k < depth; k++) {
      if (wanted[k + 1]) {
        const column = offset + (avalanche(open[k] as number) % features);
        out[column] = (out[column] as number) + 1;
      }
    }
  }
  finish(op, out, offset);
}

function finish(op: HashedNgrams, out: Float32Array, offset: number): void {
  let squares = 0;
  for (let c = offset; c < offset + op.features; c++) {
    const x = out[c] as number;
    if (x === 0) continue;
    const y = op.weighting === 'log' ? Math.log1p(x) : op.weighting === 'binary' ? 1 : x;
    out[c] = y;
    squares += y * y;
  }
  if (op.norm !== 'l2' || squares === 0) return;
  const scale = 1 / Math.sqrt(squares);
  for (let c = offset; c < offset + op.features; c++) if (out[c] !== 0) out[c] = (out[c] as number) * scale;
}
