import { createHash } from 'node:crypto';
import type { PredictionRow } from '@slipway/contracts';
import { isPortable, portableJson } from './portable-json.ts';

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const HEAD_BYTES = 1024;

/** The row's fields except the bodies, which are spliced in as bytes. */
export type RowHead = Omit<PredictionRow, 'request' | 'response'>;

/**
 * A body as it stands in a row. What was read as JSON is taken as it is (a raw newline in it can only be white space,
 * and becomes a space); anything else becomes a JSON string, and so does JSON that some reader of the log might refuse;
 * what is too long becomes its digest, size and head.
 * @param isJson that we have read it as JSON in UTF-8; nobody else's word counts
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
  if (!isJson || !isPortable(body)) return Buffer.from(JSON.stringify(body.toString('utf8')));
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
  const text = portableJson(head);
  return [Buffer.from(text.slice(0, -1)), REQUEST, request, RESPONSE, response, END];
}
