import { isUtf8 } from 'node:buffer';

/** Readers give up on deeper nesting (simdjson at 1,024). */
const MAX_DEPTH = 256;
/** Exponents of three digits and integers beyond 64 bits: JSON to us, but not to every reader. */
const UNPORTABLE_NUMBER = /\d[eE][+-]?\d{3}|(?<![.\d])\d{19}/;
/** Escapes that are no surrogate, and surrogates in pairs; read from the left, so that `\\ud800` is not mistaken. */
const SOUND_ESCAPE =
  /\\[^u]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}/g;

/** Text without lone surrogates, which have no UTF-8: each becomes U+FFFD, as its UTF-8 would read. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Bytes that are JSON in UTF-8, as a value; undefined when they are not. */
export function parseBytes(body: Buffer): { value: unknown } | undefined {
  if (!isUtf8(body)) return undefined;
  try {
    return { value: JSON.parse(body.toString('utf8')) };
  } catch {
    return undefined;
  }
}

/** Of bytes that are JSON in UTF-8: whether every reader of the log takes them (ClickHouse is the strictest). */
export function isPortable(json: Buffer): boolean {
  const text = json.toString('latin1');
  return !UNPORTABLE_NUMBER.test(text) && !hasLoneSurrogate(text) && !isDeep(json);
}

/** Only escapes can write a lone surrogate: UTF-8 has none. */
function hasLoneSurrogate(text: string): boolean {
  return /\\u[dD][89a-fA-F]/.test(text) && /\\u[dD][89a-fA-F]/.test(text.replace(SOUND_ESCAPE, ''));
}

/** Deepest nesting, counting brackets in strings too: never less than the true one. */
function isDeep(body: Buffer): boolean {
  let depth = 0;
  for (const byte of body) {
    if (byte === 0x5b || byte === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if ((byte === 0x5d || byte === 0x7d) && depth > 0) depth--;
  }
  return false;
}

/**
 * A row's own fields as JSON that every reader takes: lone surrogates become U+FFFD, and numbers that `JSON.stringify`
 * would write as an integer beyond 64 bits get an exponent.
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
