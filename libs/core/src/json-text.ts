import { isUtf8 } from 'node:buffer';

/**
 * Text in which each lone surrogate, which has no UTF-8 form, is replaced by U+FFFD, the character that a UTF-8 decoder
 * would put there.
 */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Parses bytes as UTF-8 JSON. Returns undefined when they are not valid JSON. */
export function parseBytes(body: Buffer): { value: unknown } | undefined {
  if (!isUtf8(body)) return undefined;
  try {
    return { value: JSON.parse(body.toString('utf8')) };
  } catch {
    return undefined;
  }
}

/** Bytes of a value as JSON in UTF-8. @param value anything that JSON can carry */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
