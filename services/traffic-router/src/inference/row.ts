import { createHash } from 'node:crypto';
import { type PredictionRow, type Route, rowOutputs, traceIdOf } from '@slipway/contracts';
import { formatRevision, formatVersion } from '@slipway/core';
import type { FeatureValues } from '@slipway/model';
import { type Answer, isPortable, portableJson, timingOf } from '@slipway/platform';
import { type AnswerFacts, isDigits, outputFeatures, type Protocol } from '@slipway/protocol';
import { type Assignment, type Conclusion, trafficOf } from '@slipway/routing';
import type { Streamed } from './streamed.ts';

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const HEAD_BYTES = 1024;

/** The row's fields except the bodies, which are spliced in as bytes. */
export type RowHead = Omit<PredictionRow, 'request' | 'response'>;

/** What happened to one request, for its row. */
export type Answered = {
  eventId: string;
  /** Milliseconds since the epoch. */
  time: number;
  requestId: string;
  traceparent: string;
  /** The name of the request's protocol. */
  protocol: string;
  /** Undefined when the answer is not a model's, or is not parsed. */
  outputs: AnswerFacts['outputs'];
  /** Of the request. */
  features: FeatureValues;
  route: Route;
  assignment: Assignment;
  conclusion: Conclusion<Answer>;
  status: number;
  errorCode: string;
  latencyUs: number;
  /** Whether it was sampled for the shadow. */
  isSampled: boolean;
  router: string;
  boot: string;
};

/** The row of a request except its bodies and sequence number. Pure. */
export function rowHead(a: Answered): Omit<RowHead, 'sequence'> {
  const { route, assignment, conclusion } = a;
  const { served, fallbackFrom } = conclusion;
  const rollout = trafficOf(assignment.branch);
  const sampledBy = a.isSampled ? assignment.branch.rollout : null;
  const version = served ? formatVersion(served.target) : '';
  const headers = served?.said.headers ?? {};
  return {
    event_id: a.eventId,
    type: 'slipway.prediction.v1',
    source: a.router,
    time: a.time,
    request_id: a.requestId,
    endpoint: route.endpoint,
    protocol: a.protocol,
    branch: assignment.branch.name,
    rollout_id: rollout?.id ?? '',
    step: rollout?.step ?? -1,
    route_revision: formatRevision(route.revision),
    unit: assignment.unit,
    assigned_arm: assignment.arm.name,
    probability: assignment.probability,
    reason: conclusion.reason,
    served_version: version,
    fallback_from: fallbackFrom ? formatVersion(fallbackFrom) : '',
    status: a.status,
    error_code: a.errorCode,
    latency_us: a.latencyUs,
    settled_us: Math.round(conclusion.settledMs * 1000),
    queue_us: timingOf(headers, 'queue-us'),
    compute_us: timingOf(headers, 'compute-us'),
    batch_size: timingOf(headers, 'batch-size'),
    cost: served?.target.price ?? 0,
    outputs: outputsOfRow(a.outputs),
    features: { ...a.features, ...outputFeatures(a.outputs) },
    shadow_rollout_id: sampledBy?.id ?? '',
    shadow_step: sampledBy?.step ?? -1,
    trace_id: traceIdOf(a.traceparent),
    router: a.router,
    boot: a.boot,
  };
}

/** The outputs of an answer for its row; a single integer keeps all its digits. */
export function outputsOfRow(outputs: AnswerFacts['outputs'] = []): Record<string, string> {
  return rowOutputs(
    outputs.map(({ name, values }) => {
      const [only] = values;
      return [name, values.length === 1 && isDigits(only) ? [only.digits] : values];
    }),
  );
}

/** A body in a row: unchanged if it `isJson`; not `whole` when only its digest, size and head are stored. */
export type LoggedBody = { json: Buffer; whole: boolean; isJson: boolean };

/**
 * A body in a row: at most `maxBytes` there, escapes included. A body that was parsed as JSON is inserted unchanged
 * (raw newlines in it can only be white space, and become spaces); anything else, and JSON that some reader of the log
 * might refuse, becomes a JSON string. A body that is too long then becomes its digest, size and head (about 6 KiB).
 * @param isJson whether the router itself has parsed it as JSON in UTF-8; no header is trusted
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
  return digestOf(createHash('sha256').update(body).digest('hex'), body.length, body);
}

function digestOf(digest: string, bytes: number, body: Buffer): LoggedBody {
  const head = body.subarray(0, HEAD_BYTES).toString('utf8');
  return { json: Buffer.from(JSON.stringify({ digest, bytes, head })), whole: false, isJson: false };
}

/** An answer in a row, and the model's outputs. */
export function loggedAnswer(
  protocol: Protocol,
  body: Buffer,
  maxBytes: number,
): { response: LoggedBody; outputs: AnswerFacts['outputs'] } {
  // A long answer is logged as its digest and not parsed, since parsing could take a minute.
  const facts = body.length <= maxBytes ? protocol.readAnswer(body) : undefined;
  const response = loggedBody(facts?.json ?? body, facts?.json !== undefined, maxBytes);
  // An answer that some reader of the log might refuse has no outputs in its row: it may be nested too deeply to be
  // written.
  return { response, outputs: response.isJson ? facts?.outputs : undefined };
}

/** A streamed answer in a row: its text; its digest, size and head when not all of it was kept, or it is too long. */
export function loggedStream({ kept, bytes, digest, ended }: Streamed, maxBytes: number): LoggedBody {
  if (kept.length < bytes) return digestOf(digest, bytes, kept);
  const { json, whole } = loggedBody(kept, false, maxBytes);
  return { json, whole: whole && ended === '', isJson: false };
}

const REQUEST = Buffer.from(',"request":');
const RESPONSE = Buffer.from(',"response":');
const END = Buffer.from('}\n');

/** One line of `predictions.v1`, as the pieces of one write. */
export function predictionLine(head: RowHead, request: Buffer, response: Buffer): Buffer[] {
  const text = portableJson(head);
  return [Buffer.from(text.slice(0, -1)), REQUEST, request, RESPONSE, response, END];
}
