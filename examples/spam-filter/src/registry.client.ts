import type { Endpoint } from '@slipway/contracts';
import type { Evidence, Rollout } from '@slipway/release';
import type { Problem } from '@slipway/core';

export class RegistryError extends Error {
  override name = 'RegistryError';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
}

/** The registry's REST API with one key. */
export class RegistryClient {
  readonly url: string;
  private readonly key: string;
  constructor(url: string, key: string) {
    this.url = url;
    this.key = key;
  }

  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const bytes = body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': bytes ? 'application/octet-stream' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: bytes ? (body as never) : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new RegistryError(JSON.parse(text) as Problem);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  rollout = (id: string) => this.call<Rollout>('GET', `/v1/rollouts/${id}`);
  endpoint = (name: string) => this.call<Endpoint>('GET', `/v1/endpoints/${name}`);
  rollouts = async (endpoint: string) =>
    (await this.call<{ items: Rollout[] }>('GET', `/v1/rollouts?endpoint=${endpoint}`)).items;
  evidence = async (id: string) => (await this.call<{ items: Evidence[] }>('GET', `/v1/rollouts/${id}/evidence`)).items;
  command = (id: string, command: string, reason = '') =>
    this.call<Rollout>('POST', `/v1/rollouts/${id}/commands`, { command, reason });
}
