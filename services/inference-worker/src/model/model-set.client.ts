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
  /** Its artefact is on the way, or it is being loaded. */
  busy: boolean;
};

/** The versions that the routes ask to keep loaded, side by side; loads and unloads them as the routes change. */
export class ModelSet {
  private readonly entries = new Map<string, Entry>();
  private readonly routes = new Map<string, Route>();
  private trials: readonly Loadable[] = [];
  private readonly parts: {
    artifacts: ArtifactClient;
    log: Logger;
    threads: number;
    maxQueuedRows: number;
    onChange: () => void;
  };
  private timer: NodeJS.Timeout | undefined;
  /** Sessions are created one after another. */
  private turn: Promise<void> = Promise.resolve();
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

  /** Versions to load once, beside those of the routes: whether they can be loaded shows in `versions()`. */
  tryOut(specs: readonly Loadable[]): void {
    this.trials = specs;
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
    for (const spec of this.trials) {
      const key = `${spec.model}:${spec.version}`;
      if (!wanted.has(key)) wanted.set(key, spec);
    }
    const now = performance.now();
    for (const [key, spec] of wanted) {
      const present = this.entries.get(key);
      if (present?.busy) continue;
      // The same number may be given anew once the model was deleted.
      const other = present && present.spec.digest !== spec.digest;
      if (other) await present.model?.release().catch(() => undefined);
      const entry = (!other && present) || {
        spec,
        state: 'loading' as const,
        error: undefined,
        model: undefined,
        unwantedSince: undefined,
        retryAt: 0,
        busy: false,
      };
      this.entries.set(key, entry);
      entry.spec = spec;
      entry.unwantedSince = undefined;
      if (entry.model || entry.state !== 'loading' || now < entry.retryAt) continue;
      entry.busy = true;
      // Not awaited: a source that is slow holds up no other version.
      void this.load(key, entry).finally(() => {
        entry.busy = false;
        this.parts.onChange();
        this.reconcile();
      });
    }
    for (const [key, entry] of this.entries) {
      if (wanted.has(key) || entry.busy) continue;
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
    const { log, artifacts } = this.parts;
    try {
      const file = await artifacts.fetch(entry.spec.artifact.sha256, entry.spec.artifact.uris);
      this.turn = this.turn.then(() => this.create(key, entry, file));
    } catch (error) {
      entry.error = (error as Error).message;
      entry.retryAt = performance.now() + RETRY_MS;
      if (error instanceof ArtifactRefusedError) entry.state = 'failed';
      log.warn({ version: key, error: entry.error, state: entry.state }, 'its artefact could not be fetched');
      return;
    }
    await this.turn;
  }

  private async create(key: string, entry: Entry, file: string): Promise<void> {
    const { log, threads, maxQueuedRows } = this.parts;
    const began = performance.now();
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
      // Whoever registered it reads this: the cache's place on this machine says nothing.
      entry.error = (error as Error).message.replaceAll(file, 'its file');
      log.error({ version: key, error: entry.error }, 'cannot be loaded');
    }
  }
}
