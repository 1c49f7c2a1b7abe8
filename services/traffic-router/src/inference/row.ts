import { createHash } from 'node:crypto';
import type { PredictionRow } from '@slipway/contracts';
import { isPortable, portableJson } from '@slipway/platform';

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const HEAD_BYTES = 1024;

/** The row's fields except the bodies, which are spliced in as bytes. */
export type RowHead = Omit<PredictionRow, 'request' | 'response'>;

/** A body as it stands in a row: as the JSON that it `isJson`; `whole` unless only digest, size and head of it do. */
export type LoggedBody = { json: Buffer; whole: boolean; isJson: boolean };

/**
 * A body as it stands in a row: at most `maxBytes` there, escapes counted. What was read as JSON is taken as it is (a
 * raw newline in it can only be white space, and becomes a space); anything else becomes a JSON string, and so does
 * JSON that some reader of the log might refuse; what is too long then becomes its digest, size and head (some 6 KiB).
 * @param isJson that we have read it as JSON in UTF-8; nobody else's word counts
 */
export function loggedBody(body: Buffer, isJson: boolean, maxBytes: number): LoggedBody {
  if (body.length > maxBytes) return digested(body);
  if (body.length === 0) return { json: Buffer.from('null'), whole: true, isJson: false };
  if (!isJson || !isPortable(body)) {
    const json = Buffer.from(JSON.stringify(body.toString('utf8')));
    return json.length > maxBytes ? digested(body) : { json, whole: true, isJson: false };
  }
  if (!body.includes(NEWLINE) && !body.includes(RETURN)) return { json: body, whole: true, isJson: true };
  const flat = Buffer.from(body);
  for (let i = 0; i < flat.length; i++) if (flat[i] === NEWLINE || flat[i] === RETURN) flat[i] = SPACE;
  return { json: flat, whole: true, isJson: true };
}

function digested(body: Buffer): LoggedBody {
  const digest = createHash('sha256').update(body).digest('hex');
  const head = body.subarray(0, HEAD_BYTES).toString('utf8');
  return { json: Buffer.from(JSON.stringify({ digest, bytes: body.length, head })), whole: false, isJson: false };
}

/**
 * Name and elements of each output of an answer in the Open Inference Protocol; none of anything else, nor of one that
 * some reader of the log might refuse (it may be nested more deeply than can be written).
 */
export function answerOutputs(answer: unknown, logged: LoggedBody): [string, unknown[]][] {
  if (!logged.isJson) return [];
  const outputs = (answer as { outputs?: unknown } | null | undefined)?.outputs;
  if (!Array.isArray(outputs)) return [];
  return (outputs as ({ name?: unknown; data?: unknown } | null)[]).flatMap((output) =>
    typeof output?.name === 'string' ? [[output.name, Array.isArray(output.data) ? output.data : []]] : [],
  );
}

const REQUEST = Buffer.from(',"request":');
const RESPONSE = Buffer.from(',"response":');
const END = Buffer.from('}\n');

/** One line of `predictions.v1`, as the pieces of one write. */
export function predictionLine(head: RowHead, request: Buffer, response: Buffer): Buffer[] {
  const text = portableJson(head);
  return [Buffer.from(text.slice(0, -1)), REQUEST, request, RESPONSE, response, END];
}
