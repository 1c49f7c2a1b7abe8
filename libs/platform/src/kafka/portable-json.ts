/** Some readers refuse deeper nesting (simdjson at 1,024). */
const MAX_DEPTH = 256;
/** Numbers of this form are accepted by every reader, unless they have more digits than this. */
const SAFE_INTEGER_DIGITS = 18;
const SAFE_EXPONENT_DIGITS = 2;
/** The range of 64 bits, signed or unsigned. */
const LEAST_INTEGER = -(2n ** 63n);
const MOST_INTEGER = 2n ** 64n - 1n;

/**
 * Whether every reader of the log accepts these bytes, which must be JSON in UTF-8. ClickHouse is the strictest reader:
 * it refuses numbers beyond a double, integers beyond 64 bits, lone surrogates and deep nesting. One pass; the text
 * inside strings (an id such as `…1e999…`, brackets) is not taken for numbers or structure.
 */
export function isPortable(json: Buffer): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; ) {
    const byte = json[at] as number;
    if (byte === QUOTE) {
      at = endOfString(json, at + 1);
      if (at < 0) return false;
    } else if (byte === MINUS || isDigit(byte)) {
      const end = endOfNumber(json, at);
      if (end < 0) return false;
      at = end;
    } else {
      if (byte === 0x5b || byte === 0x7b) {
        if (++depth > MAX_DEPTH) return false;
      } else if (byte === 0x5d || byte === 0x7d) depth--;
      at++;
    }
  }
  return true;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** The position after the string whose first character is at `at`; -1 when it has a lone surrogate. */
function endOfString(json: Buffer, at: number): number {
  for (let i = at; i < json.length; i++) {
    const byte = json[i];
    if (byte === QUOTE) return i + 1;
    if (byte !== BACKSLASH) continue;
    const unit = escapedUnit(json, i);
    i++;
    // Only escapes can encode a surrogate: UTF-8 has none.
    if (unit === undefined || unit < 0xd800 || unit > 0xdfff) continue;
    const low = unit < 0xdc00 ? escapedUnit(json, i + 5) : undefined;
    if (low === undefined || low < 0xdc00 || low > 0xdfff) return -1;
    i += 10;
  }
  return json.length;
}

/** The UTF-16 unit of the escape `\uXXXX` at this position; undefined when there is none. */
function escapedUnit(json: Buffer, at: number): number | undefined {
  if (json[at] !== BACKSLASH || json[at + 1] !== 0x75) return undefined;
  return Number.parseInt(json.toString('latin1', at + 2, at + 6), 16);
}

/**
 * The position after the number that begins at `at`; -1 when it is beyond a double or, for an integer, beyond 64 bits.
 */
function endOfNumber(json: Buffer, at: number): number {
  let end = json[at] === MINUS ? at + 1 : at;
  const digits = end;
  while (isDigit(json[end])) end++;
  const integerDigits = end - digits;
  const isInteger = json[end] !== 0x2e && json[end] !== 0x65 && json[end] !== 0x45;
  if (json[end] === 0x2e) for (end++; isDigit(json[end]); ) end++;
  let exponentDigits = 0;
  if (json[end] === 0x65 || json[end] === 0x45) {
    end++;
    if (json[end] === MINUS || json[end] === 0x2b) end++;
    const exponent = end;
    while (isDigit(json[end])) end++;
    exponentDigits = end - exponent;
  }
  if (integerDigits <= SAFE_INTEGER_DIGITS && exponentDigits <= SAFE_EXPONENT_DIGITS) return end;
  if (isInteger && integerDigits > 20) return -1;
  const text = json.toString('latin1', at, end);
  const fits = isInteger
    ? BigInt(text) >= LEAST_INTEGER && BigInt(text) <= MOST_INTEGER
    : Number.isFinite(Number(text));
  return fits ? end : -1;
}

/**
 * Encodes a row's fields as JSON that every reader accepts: lone surrogates become U+FFFD, and numbers that
 * `JSON.stringify` would write as an integer beyond 64 bits get an exponent.
 */
export function portableJson(row: object): string {
  let text = JSON.stringify(row);
  if (/\\ud[89a-f]/.test(text))
    text = text.replace(/\\(?:u(d[89a-f][0-9a-f]{2})|.)/g, (token, lone) => (lone ? '\ufffd' : token));
  if (/\d{19}/.test(text))
    text = text.replace(/"(?:[^"\\]|\\.)*"|(?<![.\d])-?\d{19,}/g, (token) =>
      token.startsWith('"') ? token : Number(token).toExponential(),
    );
  return text;
}
