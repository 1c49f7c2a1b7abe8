import { formatVersion, ProblemError } from '@slipway/contracts';
import type { BatchTiming } from '../batching/batcher.ts';
import { parseInferRequest } from '../inference/tensors.ts';
import type { ModelSet } from '../model/model-set.client.ts';

/** One version's answer to a shadow request, or why there is none. */
export type LegAnswer =
  | { ok: true; answer: unknown; latencyUs: number; computeUs: number }
  | { ok: false; reason: 'error' | 'timeout' | 'no_target' | 'busy'; latencyUs: number };

/** Runs a request on a version: in this process where it is loaded, else at the addresses that the route names. */
export class LegClient {
  private readonly models: ModelSet;
  constructor(models: ModelSet) {
    this.models = models;
  }

  /** @param patienceMs what is left until the deadline */
  async ask(
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
        const run = loaded.infer(parseInferRequest(body, loaded.spec.signature, 4096), 'background');
        // Whoever gives up on the deadline no longer listens for how the run ends.
        run.catch(() => undefined);
        const late = new Promise<'late'>((resolve) => {
          timer = setTimeout(() => resolve('late'), patienceMs);
        });
        const result: 'late' | { outputs: unknown; timing: BatchTiming } = await Promise.race([run, late]);
        if (result === 'late') return { ok: false, reason: 'timeout', latencyUs: took() };
        // Compute of a batch belongs to its rows alike.
        return {
          ok: true,
          answer: { model_name: model, model_version: number, outputs: result.outputs },
          latencyUs: took(),
          computeUs: Math.round(result.timing.computeUs / Math.max(1, result.timing.batchSize)),
        };
      }
      const route = this.models.route(endpoint);
      const address = [route?.candidate, route?.control].find((t) => t && formatVersion(t) === version)?.addresses[0];
      if (!address) return { ok: false, reason: 'no_target', latencyUs: took() };
      const response = await fetch(`${address.replace(/\/$/, '')}/v2/models/${model}/versions/${number}/infer`, {
        method: 'POST',
        body: new Uint8Array(body),
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(patienceMs))),
        headers: {
          'content-type': 'application/json',
          'x-request-id': ids.requestId,
          ...(ids.traceparent ? { traceparent: ids.traceparent } : {}),
          'x-slipway-shadow': '1',
        },
      });
      const text = await response.text();
      if (response.status === 503) return { ok: false, reason: 'busy', latencyUs: took() };
      if (!response.ok) return { ok: false, reason: 'error', latencyUs: took() };
      return {
        ok: true,
        answer: parsed(text),
        latencyUs: took(),
        computeUs: Number(response.headers.get('x-slipway-compute-us') ?? 0) || took(),
      };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'overloaded')
        return { ok: false, reason: 'busy', latencyUs: took() };
      const { name } = error as Error;
      if (name === 'TimeoutError' || name === 'AbortError') return { ok: false, reason: 'timeout', latencyUs: took() };
      return { ok: false, reason: error instanceof TypeError ? 'no_target' : 'error', latencyUs: took() };
    } finally {
      clearTimeout(timer);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
