import { randomFillSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { childTraceparent, type Target, traceIdOf } from '@slipway/contracts';
import { formatVersion, ProblemError } from '@slipway/core';
import {
  answerAbout,
  answerProblem,
  type AskerParts,
  type ByteBudget,
  type CallerAccess,
  headerOf,
  headerText,
  type HeldBytes,
  problemsTotal,
  RandomPool,
  readBody,
  requireIdentity,
  steadyNow,
  timingOf,
  workerHeaders,
} from '@slipway/platform';
import { type Match, type Protocol, protocols, recognise, type Reply, type RequestFacts } from '@slipway/protocol';
import { armsOf, assign, branchOf } from '@slipway/routing';
import { v7 as uuidv7 } from 'uuid';
import { forcedVersion } from '../assignment/forced.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { ShadowTap } from '../shadow/shadow-tap.client.ts';
import { ejectionsTotal, fallbacksTotal, latencySeconds, requestsTotal, shedTotal } from './counters.ts';
import { type Came, Execution, type NextHop } from './execution.proxy.ts';
import { RouterHost } from './host.ts';
import { loggedAnswer, loggedBody, loggedStream, predictionLine, rowHead } from './row.ts';
import { passOn } from './streamed.proxy.ts';
import type { Streamed } from './streamed.ts';
import { Turn, type TurnParts } from './turn.proxy.ts';

const random = new RandomPool(randomFillSync);
/** A full queue may have room in a moment. */
const RETRY: Record<number, Record<string, string>> = { 503: { 'retry-after': '1' } };
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what an id must not have
const CONTROL = /[\0-\x1f\x7f]/;

type Infer = Extract<Match, { operation: 'infer' }>;
type Ids = { requestId: string; traceparent: string /** For targets: the caller's trace, with a new span id. */ };
/** A request that is being answered. */
type Asked = { protocol: Protocol; ids: Ids; body: Buffer; facts: RequestFacts; started: number };

export type InferProxyParts = Omit<AskerParts, 'onEjected'> &
  TurnParts & {
    routes: RouteTable;
    access: CallerAccess;
    shadow: Pick<ShadowTap, 'sample'>;
    router: string;
    boot: string;
    /** Limit on all bodies that are being read, wait, or are being sent. */
    bytes: ByteBudget;
    maxBodyBytes: number;
    /** Time for a body to arrive. */
    uploadTimeoutMs: number;
    maxLoggedBytes: number;
    /** An API key for inference-workers; no other target gets it. */
    workerKey?: string | undefined;
    /** The supported protocols; all when absent. */
    protocols?: readonly Protocol[];
    /** Whether an answer leads to another hop; none does when absent. */
    next?: NextHop;
  };

/** The hot path of an inference: body as bytes, assignment, plan, execution, row, answer. */
export class InferProxy {
  private readonly parts: InferProxyParts;
  private readonly execution: Execution;
  private readonly turn: Turn;
  private readonly host: RouterHost;
  inFlight = 0;
  answered = 0;

  constructor(parts: InferProxyParts) {
    this.parts = parts;
    this.execution = new Execution({ ...parts, onEjected: (endpoint) => ejectionsTotal.inc({ endpoint }) });
    this.turn = new Turn(parts);
    this.host = new RouterHost(parts.routes, parts.ejections);
  }

  /** Returns true when the request belongs to one of the protocols, and was handled. */
  readonly handle = (req: IncomingMessage, res: ServerResponse): boolean => {
    const found = recognise(req.method ?? '', req.url ?? '', this.parts.protocols ?? protocols);
    if (!found) return false;
    const { protocol, match } = found;
    if (match.operation !== 'infer') {
      answerAbout(req, res, { protocol, match }, { host: this.host, access: this.parts.access });
      return true;
    }
    const ids: Ids = {
      requestId: headerOf(req, 'x-request-id') || uuidv7(),
      traceparent: childTraceparent(headerOf(req, 'traceparent'), random.take),
    };
    this.inFlight++;
    res.once('close', () => this.inFlight--);
    const held = this.parts.bytes.hold();
    void this.serve(req, res, protocol, match, ids, held)
      .catch((error: unknown) => this.refuse(res, protocol, ids, error))
      .finally(() => held.release());
    return true;
  };

  private refuse(res: ServerResponse, protocol: Protocol, { requestId, traceparent }: Ids, error: unknown): void {
    const problem =
      error instanceof ProblemError
        ? error
        : new ProblemError('internal', 'internal error; the log has the details', { cause: error });
    if (problem.code === 'internal')
      this.parts.log.error({ err: error, request_id: requestId, trace_id: traceIdOf(traceparent) }, 'inference failed');
    if (problem.code === 'overloaded') shedTotal.inc();
    answerProblem(res, problem, { requestId, protocol, headers: RETRY[problem.status] ?? {} });
  }

  /** @param ids gets the id in the body as the request's id when no header gives one */
  private async serve(
    req: IncomingMessage,
    res: ServerResponse,
    protocol: Protocol,
    match: Infer,
    ids: Ids,
    held: HeldBytes,
  ): Promise<void> {
    const { routes, maxBodyBytes, uploadTimeoutMs, workerKey } = this.parts;
    // All headers are checked first: no byte of the body is kept when the caller may not call, or names no endpoint.
    this.parts.access.check(headerOf(req, 'authorization'));
    if (match.endpoint !== undefined) routes.require(match.endpoint);
    protocol.admit(req.headers);
    requireIdentity(req.headers);
    const body = await readBody(req, maxBodyBytes, uploadTimeoutMs, held);
    const facts = protocol.read(body);
    // The time that a caller takes to send is not part of an arm's time.
    const started = performance.now();
    const endpoint = match.endpoint ?? facts.endpoint ?? '';
    const route = routes.require(endpoint);
    if (!req.headers['x-request-id']) ids.requestId = facts.id ?? ids.requestId;
    const { requestId, traceparent } = ids;
    if (requestId.length > 128 || CONTROL.test(requestId))
      throw new ProblemError('invalid_request', 'x-request-id, or "id": at most 128 characters, none of them control');
    const branch = branchOf(route);
    const spoken = branch.target.protocol;
    if (spoken !== protocol.name)
      throw new ProblemError('invalid_request', `the endpoint "${endpoint}" speaks ${spoken}, not ${protocol.name}`);
    const unit = branch.unit === 'request' ? requestId : (headerOf(req, 'x-slipway-unit') ?? facts.unit ?? '');
    if (unit.length > 256) throw new ProblemError('invalid_request', 'x-slipway-unit: at most 256 characters');
    const wanted = match.version ?? headerOf(req, 'x-slipway-version');
    const assignment = assign({
      branch,
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
        `the endpoint "${endpoint}" has no version ${wanted}: only the versions of its arms can be forced`,
      );
    const headers = (target: Target) => workerHeaders(target, workerKey);
    const request = { endpoint, protocol, body, requestId, traceparent, headers };
    const hops = await this.execution.run({ route, assignment, request }, started, this.parts.next);
    const came = hops.at(-1) as Came;
    const asked: Asked = { protocol, ids, body, facts, started };
    const said = came.conclusion.served?.said;
    if (said?.rest) await this.stream(res, came, asked);
    else this.finish(res, came, asked);
  }

  /** Journals the row of a complete answer, and sends it. */
  private finish(res: ServerResponse, came: Came, asked: Asked): void {
    const { problem, served } = came.conclusion;
    const refusal = problem ? asked.protocol.refusal(problem, asked.ids.requestId) : undefined;
    if (problem) problemsTotal.inc({ code: problem.code });
    const reply = refusal ?? (served?.said as Reply);
    this.record(
      res,
      came,
      asked,
      { status: reply.status, errorCode: came.conclusion.errorCode, body: reply.body },
      () => {
        // It takes memory until the caller has read it.
        const unread = this.parts.bytes.hold();
        unread.add(reply.body.length);
        res.once('close', () => unread.release());
        res.writeHead(reply.status, { ...this.head(came, asked.ids, reply), 'content-length': reply.body.length });
        res.end(reply.body);
      },
    );
  }

  /** Sends a streamed answer on as it arrives; its row is journalled before its end leaves. */
  private async stream(res: ServerResponse, came: Came, asked: Asked): Promise<void> {
    const { said } = came.conclusion.served as NonNullable<Came['conclusion']['served']>;
    if (!said.rest) return;
    res.writeHead(said.status, this.head(came, asked.ids, said as Reply));
    const streamed = await passOn(said.body, said.rest, res, this.parts.maxLoggedBytes);
    const isBroken = streamed.ended === 'broken';
    const status = isBroken ? 502 : said.status;
    const errorCode = isBroken ? 'target_failed' : came.conclusion.errorCode;
    this.record(res, came, asked, { status, errorCode, streamed }, () => (isBroken ? res.destroy() : res.end()));
  }

  private head(came: Came, { requestId }: Ids, reply: Pick<Reply, 'status' | 'headers'>): Record<string, string> {
    const { served } = came.conclusion;
    return {
      'content-type': reply.headers['content-type'] ?? 'application/json',
      'x-request-id': headerText(requestId),
      'x-slipway-version': served ? formatVersion(served.target) : '',
      'x-slipway-arm': came.hop.assignment.arm.name,
      ...(served ? {} : RETRY[reply.status]),
    };
  }

  /** Journals the row of an answer, and then `send`s it. */
  private record(
    res: ServerResponse,
    { hop: { route, assignment }, conclusion }: Came,
    { protocol, ids, body, facts, started }: Asked,
    {
      status,
      errorCode,
      ...answer
    }: { status: number; errorCode: string } & ({ body: Buffer } | { streamed: Streamed }),
    send: () => void,
  ): void {
    const latencyUs = Math.round((performance.now() - started) * 1000);
    const { served, fallbackFrom } = conclusion;
    const { maxLoggedBytes, router, boot, journalFull } = this.parts;
    const request = loggedBody(facts.json ?? body, facts.json !== undefined, maxLoggedBytes);
    const { response, outputs } =
      'streamed' in answer
        ? { response: loggedStream(answer.streamed, maxLoggedBytes), outputs: undefined }
        : loggedAnswer(protocol, answer.body, maxLoggedBytes);
    const shadow =
      assignment.reason === 'forced' || status >= 400 || served?.target !== armsOf(assignment.branch)[0].target
        ? undefined
        : this.parts.shadow.sample(route.endpoint, assignment.branch, {
            protocol: protocol.name,
            requestId: ids.requestId,
            unit: assignment.unit,
            traceparent: ids.traceparent,
            latencyUs,
            computeUs: timingOf(served.said.headers, 'compute-us'),
            request: request.json,
            response: response.json,
            oversize: !request.whole || !response.whole,
          });
    const head = rowHead({
      eventId: uuidv7(),
      time: steadyNow(),
      requestId: ids.requestId,
      traceparent: ids.traceparent,
      protocol: protocol.name,
      outputs,
      features: facts.features,
      route,
      assignment,
      conclusion,
      status,
      errorCode,
      latencyUs,
      isSampled: shadow !== undefined,
      router,
      boot,
    });
    this.turn.add({
      line: (sequence) => predictionLine({ ...head, sequence }, request.json, response.json),
      shadow,
      send: (journalled) => {
        if (!journalled && journalFull === 'refuse') {
          const why = 'the answer could not be journalled, so it is not sent';
          this.refuse(res, protocol, ids, new ProblemError('journal_full', why));
          return;
        }
        this.answered++;
        const version = served ? formatVersion(served.target) : '';
        requestsTotal.inc({ endpoint: route.endpoint, arm: assignment.arm.name, version, status: String(status) });
        latencySeconds.observe({ endpoint: route.endpoint }, latencyUs / 1e6);
        if (fallbackFrom && served) fallbacksTotal.inc({ endpoint: route.endpoint });
        if (!res.destroyed) send();
      },
    });
  }

  /**
   * Sends what is finished. Also called before a new route is applied, so that no answer of the old route leaves after
   * that.
   */
  flush(): void {
    this.turn.flush();
  }
}
