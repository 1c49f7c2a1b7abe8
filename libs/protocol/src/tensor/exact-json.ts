/** A JSON integer of 16 or more digits, which a double may not hold. */
export class WideInteger {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
  toJSON(): number {
    return Number(this.digits);
  }
}

/** A key prefix that no document uses: it begins with NUL, which JSON text must escape. */
const MARK = '\0integer';
const NUMBER = /-?\d[\d.eE+-]*/y;
const WIDE = /^-?[1-9]\d{15,}$/;
/** Digits after a decimal point belong to a fraction. */
const MAY_BE_WIDE = /(?:^|[^.\d])\d{16}/;

/**
 * As `JSON.parse`, but integers of 16 digits or more come as `WideInteger`: no digit is lost. Parses once.
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseExact(text: string): unknown {
  if (!MAY_BE_WIDE.test(text)) return JSON.parse(text);
  const marked = markWide(text);
  try {
    return JSON.parse(marked, (_, value: unknown) => {
      const digits = value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[MARK] : undefined;
      return typeof digits === 'string' && WIDE.test(digits) ? new WideInteger(digits) : value;
    });
  } catch {
    // An object stands where a number stood: the text is no JSON either, and its own error names the right place.
    return JSON.parse(text);
  }
}

/** A text in which each wide integer outside of strings is an object that holds its digits. */
function markWide(text: string): string {
  const mark = JSON.stringify(MARK);
  let out = '';
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const c = text.charCodeAt(at);
    if (c === 0x22) at = endOfString(text, at);
    else if (c === 0x2d || (c >= 0x30 && c <= 0x39)) {
      NUMBER.lastIndex = at;
      const token = NUMBER.exec(text)?.[0] ?? text.charAt(at);
      if (WIDE.test(token)) {
        out += `${text.slice(from, at)}{${mark}:"${token}"}`;
        from = at + token.length;
      }
      at += token.length;
    } else at++;
  }
  return out + text.slice(from);
}

/** The place behind the string that begins at `at`, or the end of a text in which it never ends. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}
