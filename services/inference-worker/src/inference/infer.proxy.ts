import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProblemError } from '@slipway/core';
import { traceIdOf } from '@slipway/contracts';
import {
  answerAbout,
  answerProblem,
  type ByteBudget,
  type CallerAccess,
  counter,
  headerOf,
  type HeldBytes,
  histogram,
  type Logger,
  readBody,
  requireIdentity,
} from '@slipway/platform';
import { type Match, recognise, type TensorProtocol, tensorProtocols } from '@slipway/protocol';
import type { ModelSet } from '../model/model-set.client.ts';
import { mostRows } from '../model/row-bound.ts';
import { numberOf, WorkerHost } from './host.ts';

/** Time for the body of a request to arrive; otherwise 408. */
const UPLOAD_TIMEOUT_MS = 30_000;

type Infer = Extract<Match, { operation: 'infer' }>;

const successTotal = counter('slipway_worker_inference_success_total', 'Inference requests answered', [
  'model',
  'version',
]);
const queueSeconds = histogram(
  'slipway_worker_queue_duration_seconds',
  'Waiting for a batch',
  [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  ['model', 'version'],
);
const computeSeconds = histogram(
  'slipway_worker_compute_duration_seconds',
  'Run of the batch',
  [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  ['model', 'version'],
);
const batchRows = histogram(
  'slipway_worker_batch_rows',
  'Rows in the batch of a request',
  [1, 2, 4, 8, 16, 32, 64, 128],
  ['model', 'version'],
);

/** Serves inference on raw node:http (read, check, preprocess, batch, answer), and questions about the models. */
export function inferHandler(
  models: ModelSet,
  options: { access: CallerAccess; bytes: ByteBudget; maxBodyBytes: number; maxRows: number; log: Logger },
): (req: IncomingMessage, res: ServerResponse) => boolean {
  const host = new WorkerHost(models);
  return (req, res) => {
    const found = recognise(req.method ?? '', req.url ?? '', tensorProtocols);
    if (!found) return false;
    const { protocol, match } = found;
    if (match.operation !== 'infer') {
      answerAbout(req, res, { protocol, match }, { host, access: options.access });
      return true;
    }
    const requestId = headerOf(req, 'x-request-id') ?? '';
    const held = options.bytes.hold();
    res.once('close', () => held.release());
    void serve(protocol, match, req, res, held).catch((error: unknown) => {
      const problem =
        error instanceof ProblemError
          ? error
          : new ProblemError('internal', 'the model failed; the log has the details', { cause: error });
      if (problem.code === 'internal')
        options.log.error(
          { err: error, request_id: requestId, trace_id: traceIdOf(String(req.headers['traceparent'] ?? '')) },
          'inference failed',
        );
      answerProblem(res, problem, { requestId, protocol, headers: { 'x-slipway-queue-us': '0' } });
    });
    return true;
  };

  async function serve(
    protocol: TensorProtocol,
    match: Infer,
    req: IncomingMessage,
    res: ServerResponse,
    held: HeldBytes,
  ): Promise<void> {
    options.access.check(headerOf(req, 'authorization'));
    const name = match.endpoint ?? '';
    const version = numberOf(match.version);
    protocol.admit(req.headers);
    const body = await readBody(req, options.maxBodyBytes, UPLOAD_TIMEOUT_MS, held);
    requireIdentity(req.headers);
    const model = models.get(name, version);
    const { signature, preprocessing } = model.spec;
    const request = protocol.decode(body, signature, Math.min(options.maxRows, mostRows(preprocessing)));
    const { outputs, timing } = await model.infer(request);
    const labels = { model: name, version: String(version) };
    successTotal.inc(labels);
    queueSeconds.observe(labels, timing.queueUs / 1e6);
    computeSeconds.observe(labels, timing.computeUs / 1e6);
    batchRows.observe(labels, timing.batchSize);
    const answer = protocol.encode({ model: name, version, id: request.id, outputs });
    res.writeHead(answer.status, {
      ...answer.headers,
      'content-length': answer.body.length,
      'x-slipway-queue-us': String(timing.queueUs),
      'x-slipway-compute-us': String(timing.computeUs),
      'x-slipway-batch-size': String(timing.batchSize),
    });
    held.add(answer.body.length);
    res.end(answer.body);
  }
}
