import type { Route, Target } from '@slipway/contracts';
import { formatVersion, parseVersion, ProblemError } from '@slipway/core';
import { type Asker, counter, type TargetRequest, timingOf, workerHeaders } from '@slipway/platform';
import { type Protocol, type TensorProtocol, tensorProtocols } from '@slipway/protocol';
import { answerOf, armsOf, attemptsOf, type EjectedTargets, TargetFault } from '@slipway/routing';
import type { BatchTiming } from '../batching/batcher.ts';
import type { LoadedModel } from '../model/loaded-model.client.ts';
import type { ModelSet } from '../model/model-set.client.ts';
import { mostRows } from '../model/row-bound.ts';
import { MOST_ANSWER_BYTES, parseAnswer } from './answers.ts';
import { failureOf, isWorthAnother, type LegFailure } from './leg-answer.ts';

const tooLongTotal = counter(
  'slipway_shadow_answers_too_long_total',
  'Answers to sampled requests that do not fit into a pair: the version failed',
  ['version'],
);

/** One version's answer to a shadow request, or why there is none. */
export type LegAnswer =
  | { ok: true; answer: unknown; latencyUs: number; computeUs: number }
  | { ok: false; reason: LegFailure; latencyUs: number };

export type Leg = {
  endpoint: string;
  protocol: Protocol;
  /** `model:version`. */
  version: string;
  body: Buffer;
  requestId: string;
  traceparent: string;
};

export type LegParts = {
  models: Pick<ModelSet, 'find'>;
  /** By endpoint. */
  routes: ReadonlyMap<string, Route>;
  asker: Pick<Asker, 'follow'>;
  ejections: EjectedTargets;
  /** An API key for other workers; no other target gets it. */
  workerKey?: string | undefined;
};

/** Runs a request on a version: in this process when it is loaded here, else at the addresses in the route. */
export class LegClient {
  private readonly parts: LegParts;
  private turn = 0;
  constructor(parts: LegParts) {
    this.parts = parts;
  }

  /**
   * @param patienceMs milliseconds until the deadline; an answer that took longer counts as none. A timer alone is not
   * sufficient: after the event loop was blocked, the timer and the answer are due at the same time.
   */
  async ask(leg: Leg, patienceMs: number): Promise<LegAnswer> {
    const began = performance.now();
    const version = parseVersion(leg.version);
    const loaded = version && this.parts.models.find(version.model, version.version);
    const protocol = tensorProtocols.find((p) => p.name === leg.protocol.name);
    const found = await (loaded && protocol
      ? runHere(loaded, protocol, leg, patienceMs)
      : this.askTargets(leg, began + patienceMs));
    const latencyUs = Math.round((performance.now() - began) * 1000);
    if ('failure' in found) return { ok: false, reason: found.failure, latencyUs };
    if (latencyUs > patienceMs * 1000) return { ok: false, reason: 'timeout', latencyUs };
    return { ok: true, answer: found.answer, latencyUs, computeUs: found.computeUs };
  }

  private async askTargets(leg: Leg, deadline: number): Promise<Found> {
    const { routes, asker, ejections, workerKey } = this.parts;
    const route = routes.get(leg.endpoint);
    const isAsked = (t: Target) => formatVersion(t) === leg.version;
    const branch = route?.branches.map(armsOf).find((arms) => arms.some((a) => isAsked(a.target)));
    const target = branch?.find((a) => isAsked(a.target))?.target;
    if (!target) return { failure: 'no_target' };
    const beside = (branch ?? []).map((a) => a.target).filter((t) => t !== target);
    const request: TargetRequest = {
      ...leg,
      mostBytes: MOST_ANSWER_BYTES,
      whole: true,
      headers: (t) => ({ 'x-slipway-shadow': '1', ...workerHeaders(t, workerKey) }),
    };
    // No caller waits: each attempt may take all the remaining time, as a run in this process may.
    const attempts = () =>
      attemptsOf(target, beside, true, { states: ejections, turn: this.turn++ }).map((a) => ({ ...a, share: 1 }));
    const tried = await asker.follow(attempts(), request, deadline);
    if (isWorthAnother(tried)) tried.push(...(await asker.follow(attempts(), request, deadline)));
    if (tried.some((t) => t.said instanceof TargetFault && t.said.code === 'too_long'))
      tooLongTotal.inc({ version: leg.version });
    const isLate = tried.length === 0 && target.addresses.length > 0;
    const failure = isLate ? 'timeout' : failureOf(tried);
    const answer = answerOf(tried);
    const last = tried.at(-1);
    if (failure || !answer || !last) return { failure: failure ?? 'no_target' };
    const { body, headers } = answer.said;
    const computeUs = timingOf(headers, 'compute-us') || Math.round((last.to - last.from) * 1000);
    return { answer: parseAnswer(body.toString('utf8')), computeUs };
  }
}

type Found = { answer: unknown; computeUs: number } | { failure: LegFailure };

async function runHere(loaded: LoadedModel, protocol: TensorProtocol, leg: Leg, patienceMs: number): Promise<Found> {
  const { signature, preprocessing, model, version } = loaded.spec;
  let timer: NodeJS.Timeout | undefined;
  try {
    const request = protocol.decode(leg.body, signature, Math.min(4096, mostRows(preprocessing)));
    const run = loaded.infer(request, 'background');
    // After the deadline the result of the run is ignored.
    run.catch(() => undefined);
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), patienceMs);
    });
    const result = await Promise.race([run, late]);
    if (result === 'late') return { failure: 'timeout' };
    const { body } = protocol.encode({ model, version, id: undefined, outputs: result.outputs });
    if (body.length > MOST_ANSWER_BYTES) {
      tooLongTotal.inc({ version: leg.version });
      return { failure: 'error' };
    }
    const { computeUs, batchSize }: BatchTiming = result.timing;
    // The compute time of a batch is divided equally among its rows.
    return { answer: parseAnswer(body.toString('utf8')), computeUs: Math.round(computeUs / Math.max(1, batchSize)) };
  } catch (error) {
    const code = error instanceof ProblemError ? error.code : undefined;
    return { failure: code === 'overloaded' ? 'busy' : code === 'timeout' ? 'timeout' : 'error' };
  } finally {
    clearTimeout(timer);
  }
}
