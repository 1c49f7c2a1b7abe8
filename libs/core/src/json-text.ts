import { isUtf8 } from 'node:buffer';

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

/** Bytes of a value as JSON in UTF-8. @param value anything that JSON can carry */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
