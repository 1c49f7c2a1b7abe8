import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { childTraceparent, type Route, rowOutputs, traceIdOf } from '@slipway/contracts';
import type { Arm } from '@slipway/core';
import { formatRevision, formatVersion, ProblemError } from '@slipway/core';
import {
  answerProblem,
  type ByteBudget,
  type CallerAccess,
  counter,
  headerOf,
  headerText,
  type HeldBytes,
  histogram,
  parseBytes,
  pathSegment,
  readBody,
  requireIdentity,
  steadyNow,
} from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import { type Assignment, assign } from '@slipway/routing';
import { forcedVersion } from '../assignment/forced.ts';
import type { ShadowTap } from '../shadow/shadow-tap.client.ts';
import { Asker, type AskerParts, type Ids, type Outcome } from './asker.proxy.ts';
import { RequestBody } from './request-body.ts';
import { answerOutputs, loggedBody, predictionLine } from './row.ts';
import { Turn, type TurnParts } from './turn.proxy.ts';

const requestsTotal = counter(
  'slipway_router_requests_total',
  'Inference requests answered, by endpoint, arm, version and status',
  ['endpoint', 'arm', 'version', 'status'],
);
const latencySeconds = histogram(
  'slipway_router_request_duration_seconds',
  'From the whole request to its answer',
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ['endpoint'],
);
const fallbacksTotal = counter('slipway_router_fallbacks_total', 'Requests of the candidate that control answered', [
  'endpoint',
]);

const shedTotal = counter(
  'slipway_router_shed_total',
  'Requests refused before they were assigned, because too many bytes are under way',
  [],
);
/** What is full now may have room in a moment. */
const RETRY: Record<number, Record<string, string>> = { 503: { 'retry-after': '1' } };

const INFER = /^\/v2\/models\/([^/?]+)(?:\/versions\/([^/?]+))?\/infer(?:\?|$)/;

/** The longest value that a row takes from a target's headers: an hour in microseconds. */
const MAX_TIMING = 3_600_000_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what an id must not have
const CONTROL = /[\0-\x1f\x7f]/;

export type InferProxyParts = AskerParts &
  TurnParts & {
    access: CallerAccess;
    shadow: Pick<ShadowTap, 'sample'>;
    router: string;
    boot: string;
    /** Of all bodies that are read, wait, or are asked for. */
    bytes: ByteBudget;
    maxBodyBytes: number;
    /** For a body to arrive. */
    uploadTimeoutMs: number;
    maxLoggedBytes: number;
  };

/** The hot path of one inference: body as bytes, assignment, target, answer. */
export class InferProxy {
  private readonly parts: InferProxyParts;
  private readonly asker: Asker;
  private readonly turn: Turn;
  inFlight = 0;
  answered = 0;

  constructor(parts: InferProxyParts) {
    this.parts = parts;
    this.asker = new Asker(parts);
    this.turn = new Turn(parts);
  }

  /** True when the request is an inference and was taken. */
  readonly handle = (req: IncomingMessage, res: ServerResponse): boolean => {
    const match = INFER.exec(req.url ?? '');
    if (!match) return false;
    if (req.method !== 'POST') {
      const problem = new ProblemError('method_not_allowed', `this path takes POST; not ${req.method}`);
      answerProblem(res, problem, { oip: true, headers: { allow: 'POST' } });
      return true;
    }
    const ids: Ids = {
      requestId: headerOf(req, 'x-request-id') || uuidv7(),
      traceparent: childTraceparent(headerOf(req, 'traceparent'), randomBytes),
    };
    this.inFlight++;
    res.once('close', () => this.inFlight--);
    const held = this.parts.bytes.hold();
    void this.serve(req, res, match[1] as string, match[2], ids, held)
      .catch((error: unknown) => this.refuse(res, ids, error))
      .finally(() => held.release());
    return true;
  };

  private refuse(res: ServerResponse, { requestId, traceparent }: Ids, error: unknown): void {
    const problem =
      error instanceof ProblemError
        ? error
        : new ProblemError('internal', 'something failed on our side; the log has the details', { cause: error });
    if (problem.code === 'internal')
      this.parts.log.error({ err: error, request_id: requestId, trace_id: traceIdOf(traceparent) }, 'inference failed');
    if (problem.code === 'overloaded') shedTotal.inc();
    answerProblem(res, problem, { requestId, oip: true, headers: RETRY[problem.status] ?? {} });
  }

  /** @param ids gets the body's id as the request's when no header gives one */
  private async serve(
    req: IncomingMessage,
    res: ServerResponse,
    endpointSegment: string,
    versionSegment: string | undefined,
    ids: Ids,
    held: HeldBytes,
  ): Promise<void> {
    const { routes, maxBodyBytes, uploadTimeoutMs } = this.parts;
    // All that the headers say comes first: nothing is kept of the body of who may not ask, or asks nobody.
    this.parts.access.check(headerOf(req, 'authorization'));
    const endpoint = pathSegment(endpointSegment);
    const pathVersion = versionSegment === undefined ? undefined : pathSegment(versionSegment);
    routes.require(endpoint);
    refuseEncodings(req);
    const body = new RequestBody(await readBody(req, maxBodyBytes, uploadTimeoutMs, held));
    // How long a caller takes to send is not how long an arm takes to answer.
    const started = performance.now();
    if (body.isBinary) throw binaryProblem();
    const route = routes.require(endpoint);
    if (!req.headers['x-request-id']) ids.requestId = body.id ?? ids.requestId;
    const { requestId } = ids;
    if (requestId.length > 128 || CONTROL.test(requestId))
      throw new ProblemError('invalid_request', 'x-request-id, or "id": at most 128 characters, none of them control');
    const unit = route.unit === 'request' ? requestId : (headerOf(req, 'x-slipway-unit') ?? body.unit ?? '');
    if (unit.length > 256) throw new ProblemError('invalid_request', 'x-slipway-unit: at most 256 characters');
    const wanted = pathVersion ?? headerOf(req, 'x-slipway-version');
    const assignment = assign({
      route,
      unit,
      leaseHolds: routes.leaseHolds(route),
      forced:
        wanted === undefined
          ? undefined
          : forcedVersion(wanted, this.parts.access.ownerOf(headerOf(req, 'authorization'))),
    });
    if (!assignment)
      throw new ProblemError(
        'unknown_version',
        `the endpoint "${endpoint}" has no version ${wanted}: only the control's and the candidate's can be forced`,
      );
    const outcome = await this.asker.ask(route, assignment, body.bytes, ids, started + route.timeout_ms);
    this.finish(res, route, assignment, ids, body, outcome, started);
  }

  private finish(
    res: ServerResponse,
    route: Route,
    assignment: Assignment,
    ids: Ids,
    body: RequestBody,
    outcome: Outcome,
    started: number,
  ): void {
    const latencyUs = Math.round((performance.now() - started) * 1000);
    const served = outcome.servedBy ? formatVersion(outcome.servedBy) : '';
    // Whoever answered may have written these: what is no plausible figure is none.
    const number = (name: string) => {
      const n = Number(outcome.headers[name] ?? 0);
      return Number.isInteger(n) && n >= 0 && n <= MAX_TIMING ? n : 0;
    };
    const { requestId, traceparent } = ids;
    const requestBody = loggedBody(body.bytes, body.isJson, this.parts.maxLoggedBytes);
    // A long answer is logged as its digest, and not read: a model may answer with what takes a minute to parse.
    const { maxLoggedBytes } = this.parts;
    const answer = outcome.body.length <= maxLoggedBytes ? parseBytes(outcome.body) : undefined;
    const responseBody = loggedBody(outcome.body, answer !== undefined, maxLoggedBytes);
    const shadow =
      assignment.reason === 'forced' || outcome.status >= 400 || outcome.servedBy !== route.control
        ? undefined
        : this.parts.shadow.sample(route, {
            requestId,
            unit: assignment.unit,
            traceparent,
            latencyUs,
            computeUs: number('x-slipway-compute-us'),
            request: requestBody.json,
            response: responseBody.json,
            oversize: !requestBody.whole || !responseBody.whole,
          });
    const head = {
      event_id: uuidv7(),
      type: 'slipway.prediction.v1' as const,
      source: this.parts.router,
      time: steadyNow(),
      request_id: requestId,
      endpoint: route.endpoint,
      protocol: 'oip',
      branch: 'main',
      rollout_id: route.rollout?.id ?? '',
      step: route.rollout?.step ?? -1,
      route_revision: formatRevision(route.revision),
      unit: assignment.unit,
      assigned_arm: assignment.arm,
      probability: assignment.probability,
      reason: assignment.reason === 'randomised' ? (outcome.spared ?? assignment.reason) : assignment.reason,
      served_version: served,
      fallback_from: outcome.fallbackFrom ? formatVersion(outcome.fallbackFrom) : '',
      status: outcome.status,
      error_code: outcome.errorCode,
      latency_us: latencyUs,
      settled_us: Math.round(outcome.settledMs * 1000),
      queue_us: number('x-slipway-queue-us'),
      compute_us: number('x-slipway-compute-us'),
      batch_size: number('x-slipway-batch-size'),
      cost: route.prices[served] ?? 0,
      outputs: rowOutputs(answerOutputs(answer?.value, responseBody)),
      shadow_rollout_id: shadow ? (route.shadow?.rollout_id ?? '') : '',
      shadow_step: shadow ? (route.shadow?.step ?? -1) : -1,
      trace_id: traceIdOf(traceparent),
      router: this.parts.router,
      boot: this.parts.boot,
    };
    const arm: Arm = assignment.arm;
    this.turn.add({
      line: (sequence) => predictionLine({ ...head, sequence }, requestBody.json, responseBody.json),
      shadow,
      send: (journalled) => {
        if (!journalled && this.parts.journalFull === 'refuse') {
          this.refuse(
            res,
            ids,
            new ProblemError('journal_full', 'the answer could not be journalled, so it is not given'),
          );
          return;
        }
        this.answered++;
        requestsTotal.inc({ endpoint: route.endpoint, arm, version: served, status: String(outcome.status) });
        latencySeconds.observe({ endpoint: route.endpoint }, latencyUs / 1e6);
        if (outcome.fallbackFrom && outcome.servedBy) fallbacksTotal.inc({ endpoint: route.endpoint });
        if (res.destroyed) return;
        // It takes memory until its caller has read it.
        const unread = this.parts.bytes.hold();
        unread.add(outcome.body.length);
        res.once('close', () => unread.release());
        res.writeHead(outcome.status, {
          'content-type': String(outcome.headers['content-type'] ?? 'application/json'),
          'content-length': outcome.body.length,
          'x-request-id': headerText(requestId),
          'x-slipway-version': served,
          'x-slipway-arm': arm,
          ...(outcome.servedBy ? {} : RETRY[outcome.status]),
        });
        res.end(outcome.body);
      },
    });
  }

  /**
   * Sends what is finished. Called before a new route is applied too, so that no answer of the old route leaves after
   * that.
   */
  flush(): void {
    this.turn.flush();
  }
}

/** @throws ProblemError unsupported_media_type for bodies that, as their headers say, are something else than JSON */
function refuseEncodings(req: IncomingMessage): void {
  if (req.headers['inference-header-content-length'] !== undefined) throw binaryProblem();
  requireIdentity(req.headers);
}

const binaryProblem = () =>
  new ProblemError(
    'unsupported_media_type',
    "binary tensor data (Inference-Header-Content-Length) is not understood: send every tensor's data as JSON " +
      "(in Triton's client: binary_data=False)",
  );
