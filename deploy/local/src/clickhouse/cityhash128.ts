// CityHash128 of CityHash 1.0.2, the checksum of ClickHouse's compressed blocks. Later versions of CityHash give other
// values, and the packages of the npm registry have only those (or the 64-bit hash). Source: Pike and Alakuijala,
// CityHash 1.0.2 (MIT), with its names of the steps.

/** A 64-bit number, changed in place, as two signed halves; BigInt would be about twenty times slower. */
class Word {
  lo: number;
  hi: number;
  constructor(hi = 0, lo = 0) {
    this.hi = hi | 0;
    this.lo = lo | 0;
  }
  copy(): Word {
    return new Word(this.hi, this.lo);
  }
  set(other: Word): this {
    this.hi = other.hi;
    this.lo = other.lo;
    return this;
  }
  fetch(bytes: DataView, at: number): this {
    this.lo = bytes.getInt32(at, true);
    this.hi = bytes.getInt32(at + 4, true);
    return this;
  }
  add(other: Word): this {
    const lo = (this.lo >>> 0) + (other.lo >>> 0);
    this.hi = (this.hi + other.hi + (lo > 0xffffffff ? 1 : 0)) | 0;
    this.lo = lo | 0;
    return this;
  }
  sub(other: Word): this {
    const borrow = this.lo >>> 0 < other.lo >>> 0 ? 1 : 0;
    this.lo = (this.lo - other.lo) | 0;
    this.hi = (this.hi - other.hi - borrow) | 0;
    return this;
  }
  xor(other: Word): this {
    this.lo ^= other.lo;
    this.hi ^= other.hi;
    return this;
  }
  mul(by: Word): this {
    const a0 = this.lo & 0xffff;
    const a1 = this.lo >>> 16;
    const b0 = by.lo & 0xffff;
    const b1 = by.lo >>> 16;
    const low = a0 * b0;
    const cross1 = a0 * b1;
    const cross2 = a1 * b0;
    const middle = (low >>> 16) + (cross1 & 0xffff) + (cross2 & 0xffff);
    const carry = a1 * b1 + (cross1 >>> 16) + (cross2 >>> 16) + (middle >>> 16);
    this.hi = (carry + Math.imul(this.lo, by.hi) + Math.imul(this.hi, by.lo)) | 0;
    this.lo = (low & 0xffff) | (middle << 16);
    return this;
  }
  /** @param by from 1 to 63, but not 32 */
  rotate(by: number): this {
    const { lo, hi } = this;
    if (by < 32) {
      this.lo = (lo >>> by) | (hi << (32 - by));
      this.hi = (hi >>> by) | (lo << (32 - by));
    } else {
      this.lo = (hi >>> (by - 32)) | (lo << (64 - by));
      this.hi = (lo >>> (by - 32)) | (hi << (64 - by));
    }
    return this;
  }
  shiftMix(): this {
    this.lo ^= this.hi >>> 15;
    return this;
  }
}

const k0 = new Word(0xc3a5c85c, 0x97cb3127);
const k1 = new Word(0xb492b66f, 0xbe98f273);
const k2 = new Word(0x9ae16a3b, 0x2f90404f);
const k3 = new Word(0xc949d7c7, 0x509e6557);
const kMul = new Word(0x9ddfea08, 0xeb382d69);

const fetch = (bytes: DataView, at: number) => new Word().fetch(bytes, at);
const count = (n: number) => new Word(0, n);

function hashLen16(u: Word, v: Word): Word {
  const a = u.copy().xor(v).mul(kMul).shiftMix();
  return v.copy().xor(a).mul(kMul).shiftMix().mul(kMul);
}

function hashLen0to16(s: DataView, from: number, length: number): Word {
  if (length > 8) {
    const b = fetch(s, from + length - 8);
    return hashLen16(fetch(s, from), b.copy().add(count(length)).rotate(length)).xor(b);
  }
  if (length >= 4) {
    const a = s.getUint32(from, true);
    return hashLen16(new Word(a >>> 29, a << 3).add(count(length)), count(s.getUint32(from + length - 4, true)));
  }
  if (length > 0) {
    const y = s.getUint8(from) + (s.getUint8(from + (length >> 1)) << 8);
    const z = length + (s.getUint8(from + length - 1) << 2);
    return count(y).mul(k2).xor(count(z).mul(k3)).shiftMix().mul(k2);
  }
  return k2.copy();
}

const loaded = new Word();
/** Hashes 32 bytes at `at` with two seeds, which become the two results. */
function weakHashLen32(s: DataView, at: number, a: Word, b: Word): void {
  a.add(loaded.fetch(s, at));
  b.add(a)
    .add(loaded.fetch(s, at + 24))
    .rotate(21);
  const c = a.copy();
  a.add(loaded.fetch(s, at + 8)).add(loaded.fetch(s, at + 16));
  b.add(a.copy().rotate(44)).add(c);
  a.add(loaded.fetch(s, at + 24));
}

function cityMurmur(s: DataView, from: number, length: number, low: Word, high: Word): [Word, Word] {
  const a = low.copy();
  const b = high.copy();
  let c: Word;
  let d: Word;
  if (length <= 16) {
    a.mul(k1).shiftMix().mul(k1);
    c = b
      .copy()
      .mul(k1)
      .add(hashLen0to16(s, from, length));
    d = a
      .copy()
      .add(length >= 8 ? fetch(s, from) : c)
      .shiftMix();
  } else {
    c = hashLen16(fetch(s, from + length - 8).add(k1), a);
    d = hashLen16(b.copy().add(count(length)), c.copy().add(fetch(s, from + length - 16)));
    a.add(d);
    for (let left = length - 16, at = from; left > 0; left -= 16, at += 16) {
      a.xor(fetch(s, at).mul(k1).shiftMix().mul(k1)).mul(k1);
      b.xor(a);
      c.xor(
        fetch(s, at + 8)
          .mul(k1)
          .shiftMix()
          .mul(k1),
      ).mul(k1);
      d.xor(c);
    }
  }
  const first = hashLen16(a, c);
  const second = hashLen16(d, b);
  return [first.copy().xor(second), hashLen16(second, first)];
}

function withSeed(s: DataView, from: number, length: number, low: Word, high: Word): [Word, Word] {
  if (length < 128) return cityMurmur(s, from, length, low, high);
  let x = low.copy();
  const y = high.copy();
  let z = count(length).mul(k1);
  const v1 = y.copy().xor(k1).rotate(49).mul(k1).add(fetch(s, from));
  const v2 = v1
    .copy()
    .rotate(42)
    .mul(k1)
    .add(fetch(s, from + 8));
  const w1 = y.copy().add(z).rotate(35).mul(k1).add(x);
  const w2 = x
    .copy()
    .add(fetch(s, from + 88))
    .rotate(53)
    .mul(k1);
  let at = from;
  let left = length;
  const seed = new Word();
  for (; left >= 128; left -= 128)
    for (let half = 0; half < 2; half++, at += 64) {
      x.add(y)
        .add(v1)
        .add(loaded.fetch(s, at + 16))
        .rotate(37)
        .mul(k1)
        .xor(w2);
      y.add(v2)
        .add(loaded.fetch(s, at + 48))
        .rotate(42)
        .mul(k1)
        .xor(v1);
      z.xor(w1).rotate(33);
      v1.set(v2).mul(k1);
      v2.set(x).add(w1);
      weakHashLen32(s, at, v1, v2);
      seed.set(z).add(w2);
      w1.set(seed);
      w2.set(y);
      weakHashLen32(s, at + 32, w1, w2);
      const swapped = z;
      z = x;
      x = swapped;
    }
  y.add(w1.copy().rotate(37).mul(k0)).add(z);
  x.add(v1.copy().add(z).rotate(49).mul(k0));
  for (let tail = 32; tail - 32 < left; tail += 32) {
    y.sub(x).rotate(42).mul(k0).add(v2);
    w1.add(fetch(s, at + left - tail + 16));
    x.rotate(49).mul(k0).add(w1);
    w1.add(v1);
    weakHashLen32(s, at + left - tail, v1, v2);
  }
  x = hashLen16(x, v1);
  const end = hashLen16(y, w1);
  return [hashLen16(x.copy().add(v2), w2).add(end), hashLen16(x.add(w2), end.copy().add(v2))];
}

/** The 16 bytes of the hash as ClickHouse writes them: the low half first, each little-endian. Pure. */
export function cityHash128(bytes: Uint8Array): Buffer {
  const s = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = bytes;
  const [low, high] =
    length >= 16
      ? withSeed(s, 16, length - 16, fetch(s, 0).xor(k3), fetch(s, 8))
      : length >= 8
        ? withSeed(s, 0, 0, fetch(s, 0).xor(count(length).mul(k0)), fetch(s, length - 8).xor(k1))
        : withSeed(s, 0, length, k0, k1);
  const hash = Buffer.alloc(16);
  hash.writeInt32LE(low.lo, 0);
  hash.writeInt32LE(low.hi, 4);
  hash.writeInt32LE(high.lo, 8);
  hash.writeInt32LE(high.hi, 12);
  return hash;
}
