import {
  compareRevisions,
  type Loadable,
  type LoadedVersion,
  ProblemError,
  type Revision,
  type Route,
} from '@slipway/contracts';
import type { Logger } from '@slipway/platform';
import { type ArtifactClient, ArtifactRefusedError } from './artifact.client.ts';
import { LoadedModel } from './loaded-model.client.ts';

/** A version that no route names any more stays loaded for so long: requests may still be under way to it. */
const LINGER_MS = 5000;
const RETRY_MS = 2000;

type Entry = {
  spec: Loadable;
  state: LoadedVersion['state'];
  error: string | undefined;
  model: LoadedModel | undefined;
  unwantedSince: number | undefined;
  retryAt: number;
};

/** The versions that the routes ask to keep loaded, side by side; loads and unloads them as the routes change. */
export class ModelSet {
  private readonly entries = new Map<string, Entry>();
  private readonly routes = new Map<string, Route>();
  private readonly parts: {
    artifacts: ArtifactClient;
    log: Logger;
    threads: number;
    maxQueuedRows: number;
    onChange: () => void;
  };
  private timer: NodeJS.Timeout | undefined;
  private working = false;
  private again = false;

  constructor(parts: ModelSet['parts']) {
    this.parts = parts;
  }

  start(): void {
    this.timer = setInterval(() => this.reconcile(), 500);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    for (const e of this.entries.values()) await e.model?.release().catch(() => undefined);
  }

  apply(endpoint: string, route: Route | undefined): void {
    const present = this.routes.get(endpoint);
    if (route && present && compareRevisions(route.revision, present.revision) <= 0) return;
    if (route) this.routes.set(endpoint, route);
    else this.routes.delete(endpoint);
    this.reconcile();
  }

  applied(): Record<string, Revision> {
    return Object.fromEntries([...this.routes.values()].map((r) => [r.endpoint, r.revision]));
  }

  versions(): LoadedVersion[] {
    return [...this.entries.values()].map(({ spec, state, error }) => ({
      model: spec.model,
      version: spec.version,
      digest: spec.digest,
      state,
      ...(error ? { error } : {}),
    }));
  }

  all(): LoadedModel[] {
    return [...this.entries.values()].flatMap((e) => (e.model ? [e.model] : []));
  }

  route(endpoint: string): Route | undefined {
    return this.routes.get(endpoint);
  }

  find(model: string, version: number): LoadedModel | undefined {
    return this.entries.get(`${model}:${version}`)?.model;
  }

  /** @throws ProblemError unknown_version when it is not loaded here */
  get(model: string, version: number): LoadedModel {
    const found = this.find(model, version);
    if (!found) throw new ProblemError('unknown_version', `${model}:${version} is not loaded here`);
    return found;
  }

  private reconcile(): void {
    if (this.working) {
      this.again = true;
      return;
    }
    this.working = true;
    void this.work().finally(() => {
      this.working = false;
      if (this.again) {
        this.again = false;
        this.reconcile();
      }
    });
  }

  private async work(): Promise<void> {
    const wanted = new Map<string, Loadable>();
    for (const route of this.routes.values())
      for (const spec of route.load) wanted.set(`${spec.model}:${spec.version}`, spec);
    const now = performance.now();
    for (const [key, spec] of wanted) {
      const entry = this.entries.get(key) ?? {
        spec,
        state: 'loading' as const,
        error: undefined,
        model: undefined,
        unwantedSince: undefined,
        retryAt: 0,
      };
      this.entries.set(key, entry);
      entry.spec = spec;
      entry.unwantedSince = undefined;
      if (!entry.model && entry.state === 'loading' && now >= entry.retryAt) await this.load(key, entry);
    }
    for (const [key, entry] of this.entries) {
      if (wanted.has(key)) continue;
      entry.unwantedSince ??= now;
      if (now - entry.unwantedSince < LINGER_MS) continue;
      this.entries.delete(key);
      await entry.model
        ?.release()
        .catch((error: unknown) => this.parts.log.warn({ err: error, version: key }, 'could not be released'));
      this.parts.log.info({ version: key }, 'unloaded');
      this.parts.onChange();
    }
  }

  private async load(key: string, entry: Entry): Promise<void> {
    const { log, artifacts, threads, maxQueuedRows, onChange } = this.parts;
    const began = performance.now();
    let file: string;
    try {
      file = await artifacts.fetch(entry.spec.artifact.sha256, entry.spec.artifact.uris);
    } catch (error) {
      entry.error = (error as Error).message;
      entry.retryAt = performance.now() + RETRY_MS;
      if (error instanceof ArtifactRefusedError) entry.state = 'failed';
      log.warn({ version: key, error: entry.error, state: entry.state }, 'its artefact could not be fetched');
      onChange();
      return;
    }
    try {
      entry.model = await LoadedModel.load(entry.spec, file, { threads, maxQueuedRows, log });
      entry.state = 'warm';
      entry.error = undefined;
      log.info(
        { version: key, provider: entry.model.provider, ms: Math.round(performance.now() - began) },
        'loaded and warm',
      );
    } catch (error) {
      entry.state = 'failed';
      entry.error = (error as Error).message;
      log.error({ version: key, error: entry.error }, 'cannot be loaded');
    }
    onChange();
  }
}
