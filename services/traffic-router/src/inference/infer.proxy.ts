import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Arm,
  childTraceparent,
  formatRevision,
  formatVersion,
  ProblemError,
  problemDocument,
  type Route,
  type Target,
  traceIdOf,
} from '@slipway/contracts';
import { counter, histogram, type Logger, problemsTotal, steadyNow } from '@slipway/platform';
import { v7 as uuidv7 } from 'uuid';
import { type Assignment, assign } from '../assignment/assign.ts';
import type { RowJournal } from '../journal/rows.journal.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { Sampled, ShadowTap } from '../shadow/shadow-tap.client.ts';
import { type TargetAnswer, type TargetClient, TargetFault } from '../target/target.client.ts';
import { targetKey, type Targets } from '../target/targets.ts';
import { loggedBody, predictionLine } from './row.ts';

const requestsTotal = counter(
  'slipway_router_requests_total',
  'Inference requests answered, by endpoint, arm, version and status',
  ['endpoint', 'arm', 'version', 'status'],
);
const latencySeconds = histogram(
  'slipway_router_request_duration_seconds',
  'From the request to its answer',
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ['endpoint'],
);
const fallbacksTotal = counter('slipway_router_fallbacks_total', 'Requests of the candidate that control answered', [
  'endpoint',
]);
const ejectionsTotal = counter('slipway_router_ejections_total', 'Ejections of targets', ['endpoint']);

const INFER = /^\/v2\/models\/([^/?]+)(?:\/versions\/([^/?]+))?\/infer(?:\?|$)/;

export type InferProxyParts = {
  routes: RouteTable;
  targets: Targets;
  client: TargetClient;
  journal: RowJournal;
  shadow: ShadowTap;
  log: Logger;
  router: string;
  boot: string;
  maxBodyBytes: number;
  maxLoggedBytes: number;
  journalFull: 'count' | 'refuse';
};

type Ids = { requestId: string /** For whoever we ask: the caller's trace, a span of ours. */; traceparent: string };

type Outcome = {
  status: number;
  body: Buffer;
  servedBy: Target | undefined;
  fallbackFrom: Target | undefined;
  errorCode: string;
  headers: TargetAnswer['headers'];
  ejected: boolean;
};

type Finished = { line: Buffer[]; shadow: Sampled | undefined; send: (journalled: boolean) => void };

/**
 * The hot path of one inference: body as bytes, assignment, target, answer. The rows of one event-loop turn are
 * appended to the journal by
 * one write before their answers leave.
 */
export class InferProxy {
  private readonly parts: InferProxyParts;
  private sequence = 0;
  private finished: Finished[] = [];
  inFlight = 0;
  answered = 0;

  constructor(parts: InferProxyParts) {
    this.parts = parts;
  }

  /** True when the request is an inference and was taken. */
  readonly handle = (req: IncomingMessage, res: ServerResponse): boolean => {
    const match = INFER.exec(req.url ?? '');
    if (!match || req.method !== 'POST') return false;
    const requestId = header(req, 'x-request-id') || uuidv7();
    const traceparent = childTraceparent(header(req, 'traceparent'));
    this.inFlight++;
    res.once('close', () => this.inFlight--);
    void this.serve(req, res, decodeURIComponent(match[1] as string), match[2], { requestId, traceparent }).catch(
      (error: unknown) => this.refuse(res, { requestId, traceparent }, error),
    );
    return true;
  };

  private refuse(res: ServerResponse, { requestId, traceparent }: Ids, error: unknown): void {
    const problem =
      error instanceof ProblemError
        ? error
        : new ProblemError('internal', 'something failed on our side; the log has the details', { cause: error });
    if (problem.code === 'internal')
      this.parts.log.error({ err: error, request_id: requestId, trace_id: traceIdOf(traceparent) }, 'inference failed');
    problemsTotal.inc({ code: problem.code });
    if (res.headersSent || res.destroyed) return;
    const body = JSON.stringify(problemDocument(problem, { requestId, oip: true }));
    res.writeHead(problem.status, {
      'content-type': 'application/problem+json',
      'x-request-id': requestId,
      ...(problem.code === 'too_large' ? { connection: 'close' } : {}),
    });
    res.end(body);
  }

  private async serve(
    req: IncomingMessage,
    res: ServerResponse,
    endpoint: string,
    pathVersion: string | undefined,
    ids: Ids,
  ): Promise<void> {
    const { requestId } = ids;
    const started = performance.now();
    const { routes, maxBodyBytes } = this.parts;
    const body = await readBody(req, maxBodyBytes);
    const route = routes.get(endpoint);
    if (!route) throw new ProblemError('unknown_endpoint', `there is no endpoint "${endpoint}"`);
    if (requestId.length > 128) throw new ProblemError('invalid_request', 'x-request-id: at most 128 characters');
    const unit = route.unit === 'request' ? requestId : (header(req, 'x-slipway-unit') ?? unitParameter(body) ?? '');
    if (unit.length > 256) throw new ProblemError('invalid_request', 'x-slipway-unit: at most 256 characters');
    const assignment = assign({
      route,
      unit,
      leaseHolds: routes.leaseHolds(route),
      forced: this.forced(req, route, pathVersion),
    });
    if (!assignment)
      throw new ProblemError(
        'unknown_version',
        `the endpoint "${endpoint}" has no version ${pathVersion ?? header(req, 'x-slipway-version')}: only the control's and the candidate's can be forced`,
      );
    const outcome = await this.ask(route, assignment, body, ids, started + route.timeout_ms);
    this.finish(res, route, assignment, ids, body, outcome, started);
  }

  /** A version in the path or in `x-slipway-version` needs an operator's key. */
  private forced(req: IncomingMessage, route: Route, pathVersion: string | undefined): number | undefined {
    const text = pathVersion ?? header(req, 'x-slipway-version');
    if (text === undefined) return undefined;
    const key = /^Bearer (.+)$/i.exec(header(req, 'authorization') ?? '')?.[1];
    if (!key || !route.operator_keys.includes(createHash('sha256').update(key).digest('hex')))
      throw new ProblemError('forbidden', "a version can be forced only with an operator's key");
    const version = Number(/(\d+)$/.exec(text)?.[1] ?? Number.NaN);
    if (!Number.isInteger(version))
      throw new ProblemError('invalid_request', `x-slipway-version: "${text}" is no version`);
    return version;
  }

  /** Tries the assigned version's targets, then control. */
  private async ask(route: Route, assignment: Assignment, body: Buffer, ids: Ids, deadline: number): Promise<Outcome> {
    const assigned = assignment.arm === 'candidate' && route.candidate ? route.candidate : route.control;
    const canFallBack = assigned !== route.control && assignment.reason !== 'forced';
    let failure: TargetFault | undefined;
    let last: { answer: TargetAnswer; target: Target } | undefined;
    let tried = 0;
    for (const target of canFallBack ? [assigned, route.control] : [assigned]) {
      const final = target === route.control || !canFallBack;
      const addresses = this.parts.targets.order(target, final);
      for (const [i, address] of addresses.entries()) {
        const left = deadline - performance.now();
        if (left < 1) break;
        tried++;
        const answer = await this.attempt(
          route,
          target,
          address,
          body,
          ids,
          left * (final ? 1 : 0.6) * (i < addresses.length - 1 ? 0.4 : 1),
        );
        if (canFallBack && !final && this.withdrawn(route)) {
          // The candidate lost its traffic while it was working: its answer must not leave any more.
          failure = new TargetFault('withdrawn', 'the candidate was withdrawn meanwhile');
          break;
        }
        if (answer instanceof TargetFault) failure = answer;
        else if (answer.status < 500)
          return {
            ...answer,
            servedBy: target,
            fallbackFrom: target === assigned ? undefined : assigned,
            errorCode: target === assigned ? (answer.status < 400 ? '' : 'rejected') : this.why(failure, last),
            ejected: tried === 1 && target !== assigned,
          };
        else last = { answer, target };
      }
    }
    const code = tried === 0 ? 'no_target' : this.why(failure, last);
    const problem =
      code === 'timeout'
        ? new ProblemError('timeout', `no target of "${route.endpoint}" answered within ${route.timeout_ms} ms`)
        : code === 'target_failed'
          ? new ProblemError(
              'target_failed',
              `the model of "${route.endpoint}" answered with status ${last?.answer.status}`,
            )
          : new ProblemError(
              code === 'overloaded' ? 'overloaded' : 'no_target',
              `no target of "${route.endpoint}" is able to answer now${failure ? `: ${failure.message}` : ''}`,
            );
    problemsTotal.inc({ code: problem.code });
    return {
      status: problem.status,
      body: Buffer.from(JSON.stringify(problemDocument(problem, { requestId: ids.requestId, oip: true }))),
      servedBy: undefined,
      fallbackFrom: canFallBack ? assigned : undefined,
      errorCode: code,
      headers: { 'content-type': 'application/problem+json' },
      ejected: false,
    };
  }

  /**
   * The rollout that sent the request to the candidate is over, and the candidate did not become what the endpoint
   * serves.
   */
  private withdrawn(route: Route): boolean {
    const present = this.parts.routes.get(route.endpoint);
    return (
      present !== undefined &&
      present !== route &&
      present.rollout?.id !== route.rollout?.id &&
      present.control.version !== route.candidate?.version
    );
  }

  private why(failure: TargetFault | undefined, last: { answer: TargetAnswer } | undefined): string {
    if (last) return last.answer.status === 503 ? 'overloaded' : 'target_failed';
    return failure
      ? failure.code === 'timeout' || failure.code === 'withdrawn'
        ? failure.code
        : 'no_target'
      : 'ejected';
  }

  private async attempt(
    route: Route,
    target: Target,
    address: string,
    body: Buffer,
    { requestId, traceparent }: Ids,
    timeoutMs: number,
  ): Promise<TargetAnswer | TargetFault> {
    const key = targetKey(target, address);
    const { targets, client, log } = this.parts;
    const eject = (refused: boolean, why: string) => {
      if (!targets.failed(key, refused)) return;
      ejectionsTotal.inc({ endpoint: route.endpoint });
      log.warn({ target: key, why }, 'target ejected');
      // What still hangs there need not wait for its time to be up where another address can answer.
      if (target.addresses.length > 1) void client.reset(address);
    };
    try {
      const answer = await client.infer(
        address,
        `/v2/models/${target.model}/versions/${target.version}/infer`,
        body,
        { 'content-type': 'application/json', 'x-request-id': requestId, traceparent },
        Math.max(1, Math.ceil(timeoutMs)),
      );
      if (answer.status === 404) {
        // The route says that it serves the version: it has started anew and is still loading. Not the caller's fault.
        eject(true, 'does not have the version');
        return new TargetFault('connect', `${address} does not have ${formatVersion(target)}`);
      }
      if (answer.status < 500) targets.succeeded(key);
      // 503 is a queue that is full, not a model that is broken
      else if (answer.status !== 503) eject(false, `status ${answer.status}`);
      return answer;
    } catch (error) {
      if (!(error instanceof TargetFault)) throw error;
      if (error.code !== 'dropped') eject(error.code !== 'timeout', error.message);
      return error;
    }
  }

  private finish(
    res: ServerResponse,
    route: Route,
    assignment: Assignment,
    ids: Ids,
    body: Buffer,
    outcome: Outcome,
    started: number,
  ): void {
    const latencyUs = Math.round((performance.now() - started) * 1000);
    const served = outcome.servedBy ? formatVersion(outcome.servedBy) : '';
    const number = (name: string) => Number(outcome.headers[name] ?? 0) || 0;
    // Our workers have parsed what they accepted; of others' answers we look ourselves.
    const trusted = outcome.headers['x-slipway-queue-us'] !== undefined;
    const requestJson = (trusted && outcome.status < 400) || isJson(body);
    const responseJson = trusted || isJson(outcome.body);
    const sequence = this.sequence++;
    const { requestId, traceparent } = ids;
    const requestBody = loggedBody(body, requestJson, this.parts.maxLoggedBytes);
    const responseBody = loggedBody(outcome.body, responseJson, this.parts.maxLoggedBytes);
    const shadow =
      assignment.reason === 'forced' || outcome.status >= 400 || outcome.servedBy !== route.control
        ? undefined
        : this.parts.shadow.sample(route, {
            requestId,
            traceparent,
            latencyUs,
            computeUs: number('x-slipway-compute-us'),
            request: requestBody,
            response: responseBody,
            oversize: Math.max(body.length, outcome.body.length) > this.parts.maxLoggedBytes,
          });
    const line = predictionLine(
      {
        event_id: uuidv7(),
        type: 'slipway.prediction.v1',
        source: this.parts.router,
        time: steadyNow(),
        request_id: requestId,
        endpoint: route.endpoint,
        rollout_id: route.rollout?.id ?? '',
        step: route.rollout?.step ?? -1,
        route_revision: formatRevision(route.revision),
        unit: assignment.unit,
        assigned_arm: assignment.arm,
        probability: assignment.probability,
        reason: outcome.ejected && assignment.reason === 'randomised' ? 'ejected' : assignment.reason,
        served_version: served,
        fallback_from: outcome.fallbackFrom ? formatVersion(outcome.fallbackFrom) : '',
        status: outcome.status,
        error_code: outcome.errorCode,
        latency_us: latencyUs,
        queue_us: number('x-slipway-queue-us'),
        compute_us: number('x-slipway-compute-us'),
        batch_size: number('x-slipway-batch-size'),
        price: route.prices[served] ?? 0,
        shadow_rollout_id: shadow ? (route.shadow?.rollout_id ?? '') : '',
        shadow_step: shadow ? (route.shadow?.step ?? -1) : -1,
        trace_id: traceIdOf(traceparent),
        router: this.parts.router,
        boot: this.parts.boot,
        sequence,
      },
      requestBody,
      responseBody,
    );
    const arm: Arm = assignment.arm;
    if (this.finished.length === 0) setImmediate(this.flush);
    this.finished.push({
      line,
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
        res.writeHead(outcome.status, {
          'content-type': String(outcome.headers['content-type'] ?? 'application/json'),
          'content-length': outcome.body.length,
          'x-request-id': requestId,
          'x-slipway-version': served,
          'x-slipway-arm': arm,
        });
        res.end(outcome.body);
      },
    });
  }

  /**
   * Sends what is finished. Called before a new route is applied too, so that no answer of the old route leaves after
   * that.
   */
  readonly flush = (): void => {
    if (this.finished.length === 0) return;
    const turn = this.finished;
    this.finished = [];
    // First, so that a row that says "sampled" is never without its shadow request.
    this.parts.shadow.journal(turn.flatMap((f) => (f.shadow ? [f.shadow] : [])));
    const journalled = this.parts.journal.append(
      turn.flatMap((f) => f.line),
      turn.length,
    );
    for (const f of turn) f.send(journalled);
  };
}

function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

const UNIT = Buffer.from('"unit"');
/** The OIP parameter `unit`; the body is parsed only when the word stands in it. */
function unitParameter(body: Buffer): string | undefined {
  if (!body.includes(UNIT)) return undefined;
  try {
    const unit = (JSON.parse(body.toString('utf8')) as { parameters?: { unit?: unknown } }).parameters?.unit;
    return unit === undefined ? undefined : String(unit);
  } catch {
    return undefined;
  }
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** @throws ProblemError too_large, as soon as it is known */
function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = () =>
      reject(
        new ProblemError('too_large', `the body may have ${maxBytes} bytes`, {
          errors: [{ field: '(body)', message: `is longer than ${maxBytes} bytes` }],
        }),
      );
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      req.resume();
      tooLarge();
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        chunks.length = 0;
        tooLarge();
      } else chunks.push(chunk);
    });
    req.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    req.on('error', reject);
    req.on('aborted', () => reject(new ProblemError('invalid_request', 'the request was broken off')));
  });
}
