import { formatVersion, ProblemError } from '@slipway/core';
import type { Route } from '@slipway/contracts';
import { counter, headerText, workerHeaders } from '@slipway/platform';
import type { BatchTiming } from '../batching/batcher.ts';
import { parseInferRequest } from '../tensor/infer-request.ts';
import { mostRows } from '../model/row-bound.ts';
import type { ModelSet } from '../model/model-set.client.ts';
import { MOST_ANSWER_BYTES, parseAnswer } from './answers.ts';

const tooLongTotal = counter(
  'slipway_shadow_answers_too_long_total',
  'Answers to sampled requests that no pair can carry: the version failed',
  ['version'],
);

/** One version's answer to a shadow request, or why there is none. */
export type LegAnswer =
  | { ok: true; answer: unknown; latencyUs: number; computeUs: number }
  | { ok: false; reason: 'error' | 'timeout' | 'no_target' | 'busy'; latencyUs: number };

/** Runs a request on a version: in this process where it is loaded, else at the addresses that the route names. */
export class LegClient {
  private readonly models: Pick<ModelSet, 'find'>;
  private readonly routes: ReadonlyMap<string, Route>;
  private readonly workerKey: string | undefined;
  /** @param routes by endpoint @param workerKey an API key for other workers; no other target sees it */
  constructor(models: Pick<ModelSet, 'find'>, routes: ReadonlyMap<string, Route>, workerKey?: string) {
    this.models = models;
    this.routes = routes;
    this.workerKey = workerKey;
  }

  /**
   * @param patienceMs what is left until the deadline; an answer that took longer counts as none. Timers alone would
   * not tell: a loop that was held up finds the timer due and the answer there at once.
   */
  async ask(
    endpoint: string,
    version: string,
    body: Buffer,
    ids: { requestId: string; traceparent: string },
    patienceMs: number,
  ): Promise<LegAnswer> {
    const answer = await this.answer(endpoint, version, body, ids, patienceMs);
    const { latencyUs } = answer;
    return answer.ok && latencyUs > patienceMs * 1000 ? { ok: false, reason: 'timeout', latencyUs } : answer;
  }

  private async answer(
    endpoint: string,
    version: string,
    body: Buffer,
    ids: { requestId: string; traceparent: string },
    patienceMs: number,
  ): Promise<LegAnswer> {
    const [model = '', number = ''] = version.split(':');
    const began = performance.now();
    const took = () => Math.round((performance.now() - began) * 1000);
    let timer: NodeJS.Timeout | undefined;
    try {
      const loaded = this.models.find(model, Number(number));
      if (loaded) {
        const { signature, preprocessing } = loaded.spec;
        const request = parseInferRequest(body, signature, Math.min(4096, mostRows(preprocessing)));
        const run = loaded.infer(request, 'background');
        // Whoever gives up on the deadline no longer listens for how the run ends.
        run.catch(() => undefined);
        const late = new Promise<'late'>((resolve) => {
          timer = setTimeout(() => resolve('late'), patienceMs);
        });
        const result: 'late' | { outputs: unknown; timing: BatchTiming } = await Promise.race([run, late]);
        if (result === 'late') return { ok: false, reason: 'timeout', latencyUs: took() };
        const answer = { model_name: model, model_version: number, outputs: result.outputs };
        if (Buffer.byteLength(JSON.stringify(answer)) > MOST_ANSWER_BYTES) {
          tooLongTotal.inc({ version });
          return { ok: false, reason: 'error', latencyUs: took() };
        }
        // Compute of a batch belongs to its rows alike.
        return {
          ok: true,
          answer,
          latencyUs: took(),
          computeUs: Math.round(result.timing.computeUs / Math.max(1, result.timing.batchSize)),
        };
      }
      const route = this.routes.get(endpoint);
      const target = [route?.candidate, route?.control].find((t) => t && formatVersion(t) === version);
      const addresses = target?.addresses;
      const until = began + patienceMs;
      let broke = false;
      // A connection that breaks may be a server of ours that was killed: only when it breaks once more, there or at
      // the next address, is it how the version answers this request.
      for (const address of [...(addresses ?? []), ...(addresses ?? [])].slice(0, 4)) {
        const left = until - performance.now();
        if (left < 1) return { ok: false, reason: 'timeout', latencyUs: took() };
        try {
          const headers = workerHeaders(target ?? undefined, this.workerKey);
          return { ...(await this.post(address, model, number, body, { ...ids, headers }, left)), latencyUs: took() };
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          if (neverConnected(error)) continue;
          if (broke) return { ok: false, reason: 'error', latencyUs: took() };
          broke = true;
        }
      }
      return { ok: false, reason: 'no_target', latencyUs: took() };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'overloaded')
        return { ok: false, reason: 'busy', latencyUs: took() };
      const { name } = error as Error;
      if (error instanceof ProblemError && error.code === 'timeout')
        return { ok: false, reason: 'timeout', latencyUs: took() };
      if (name === 'TimeoutError' || name === 'AbortError') return { ok: false, reason: 'timeout', latencyUs: took() };
      return { ok: false, reason: error instanceof TypeError ? 'no_target' : 'error', latencyUs: took() };
    } finally {
      clearTimeout(timer);
    }
  }

  private async post(
    address: string,
    model: string,
    number: string,
    body: Buffer,
    ids: { requestId: string; traceparent: string; headers: Record<string, string> },
    patienceMs: number,
  ): Promise<LegAnswer> {
    const began = performance.now();
    const response = await fetch(`${address.replace(/\/$/, '')}/v2/models/${model}/versions/${number}/infer`, {
      method: 'POST',
      body: new Uint8Array(body),
      // Elsewhere is on no allow-list: it gets neither the caller's data nor a key.
      redirect: 'manual',
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(patienceMs))),
      headers: {
        'content-type': 'application/json',
        'x-request-id': headerText(ids.requestId),
        ...(ids.traceparent ? { traceparent: ids.traceparent } : {}),
        'x-slipway-shadow': '1',
        ...ids.headers,
      },
    });
    const text = await textOf(response, MOST_ANSWER_BYTES);
    const latencyUs = Math.round((performance.now() - began) * 1000);
    if (response.status === 503) return { ok: false, reason: 'busy', latencyUs };
    if (text === undefined) tooLongTotal.inc({ version: `${model}:${number}` });
    if (!response.ok || text === undefined) return { ok: false, reason: 'error', latencyUs };
    return {
      ok: true,
      answer: parseAnswer(text),
      latencyUs,
      computeUs: computeOf(response.headers.get('x-slipway-compute-us')) ?? latencyUs,
    };
  }
}

/** No byte of the request reached anybody: no address, nobody listens, or no connection in time. */
function neverConnected(error: TypeError): boolean {
  const { code } = (error.cause ?? {}) as { code?: string };
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(
    code ?? '',
  );
}

/** The body of an answer; `undefined`, and the rest is not read, once it is longer. */
async function textOf(response: Response, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Microseconds; whoever answered may have written anything there. */
function computeOf(header: string | null): number | undefined {
  const us = Number(header ?? 0);
  return Number.isInteger(us) && us > 0 && us <= 3_600_000_000 ? us : undefined;
}
