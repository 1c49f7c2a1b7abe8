import { createHash } from 'node:crypto';
import type { PredictionRow } from '@slipway/contracts';

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const HEAD_BYTES = 1024;
/** Escaped surrogates, exponents of three digits and integers beyond 64 bits: JSON to us, but not to every reader. */
const UNPORTABLE = /\\u[dD]|\d[eE][+-]?\d{3}|(?<![.\d])\d{19}/;
/** Readers give up on deeper nesting (simdjson at 1,024). */
const MAX_DEPTH = 256;

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

/** The row's fields except the bodies, which are spliced in as bytes. */
export type RowHead = Omit<PredictionRow, 'request' | 'response'>;

/**
 * A body as it stands in a row. Known JSON is taken as it is (a raw newline in it can only be white space, and becomes
 * a space); anything
 * else becomes a JSON string, and so does JSON that some reader of the log might refuse; what is too long becomes its
 * digest, size and head.
 */
export function loggedBody(body: Buffer, isJson: boolean, maxBytes: number): Buffer {
  if (body.length > maxBytes) {
    return Buffer.from(
      JSON.stringify({
        digest: createHash('sha256').update(body).digest('hex'),
        bytes: body.length,
        head: body.subarray(0, HEAD_BYTES).toString('utf8'),
      }),
    );
  }
  if (body.length === 0) return Buffer.from('null');
  if (!isJson || UNPORTABLE.test(body.toString('latin1')) || isDeep(body))
    return Buffer.from(JSON.stringify(body.toString('utf8')));
  if (!body.includes(NEWLINE) && !body.includes(RETURN)) return body;
  const flat = Buffer.from(body);
  for (let i = 0; i < flat.length; i++) if (flat[i] === NEWLINE || flat[i] === RETURN) flat[i] = SPACE;
  return flat;
}

const REQUEST = Buffer.from(',"request":');
const RESPONSE = Buffer.from(',"response":');
const END = Buffer.from('}\n');

/** One line of `predictions.v1`, as the pieces of one write. */
export function predictionLine(head: RowHead, request: Buffer, response: Buffer): Buffer[] {
  const text = JSON.stringify(head);
  return [Buffer.from(text.slice(0, -1)), REQUEST, request, RESPONSE, response, END];
}
