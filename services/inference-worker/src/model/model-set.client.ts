import { formatVersion, ProblemError } from '@slipway/core';
import { type Loadable, type LoadedVersion } from '@slipway/contracts';
import type { ByteBudget, Logger } from '@slipway/platform';
import { ModelProcessError, outOfMemory } from '../process/model-process.client.ts';
import type { ModelLimits } from '../process/model-runner.client.ts';
import { type ArtifactClient, ArtifactError } from './artifact.client.ts';
import { Lane } from './lane.ts';
import { LoadedModel } from './loaded-model.client.ts';

/** Time in milliseconds for which an unneeded version stays loaded, since requests may still be under way to it. */
const LINGER_MS = 5000;
const RETRY_MS = 2000;
/** Pauses between attempts double up to this, for a version that is kept and for one on trial. */
const LONGEST_RETRY_MS = { kept: 30_000, trial: 300_000 };
/** Number of versions on trial that are downloaded or loaded at once. */
const MOST_TRIED = 4;
/** Number of times a file may end its process before the file is at fault. */
const MOST_ENDS = 2;
/** Longest reported reason, in characters: models and bundles write parts of it, and a heartbeat is one record. */
const MOST_REASON = 1000;

type Entry = {
  spec: Loadable;
  state: LoadedVersion['state'];
  error: string | undefined;
  model: LoadedModel | undefined;
  unwantedSince: number | undefined;
  retryAt: number;
  /** Its artifact is being downloaded, or it is being loaded. */
  busy: boolean;
  /** Whether it is to be kept loaded; otherwise it is only on trial. */
  kept: boolean;
  /** It was kept: requests may be under way. */
  served: boolean;
  begunAt: number;
  failures: number;
  /** Number of processes that it hung or crashed while it was being loaded. */
  ends: number;
};

/** The versions to keep loaded and those on trial; loads and unloads them as these sets change. */
export class ModelSet {
  private readonly entries = new Map<string, Entry>();
  /** By `model:version`. */
  private readonly loads = new Map<string, Loadable>();
  private trials: readonly Loadable[] = [];
  private readonly parts: {
    artifacts: ArtifactClient;
    log: Logger;
    threads: number;
    maxQueuedRows: number;
    bytes?: ByteBudget;
    limits: ModelLimits;
    onChange: () => void;
  };
  private timer: NodeJS.Timeout | undefined;
  /** Versions on trial never delay those that serve. */
  private readonly lanes = {
    kept: { download: new Lane(4), load: new Lane(4) },
    trial: { download: new Lane(2), load: new Lane(1) },
  };
  private working = false;
  private again = false;
  private closed = false;

  constructor(parts: ModelSet['parts']) {
    this.parts = parts;
  }

  start(): void {
    this.timer = setInterval(() => this.reconcile(), 500);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.closed = true;
    await Promise.all([...this.entries.values()].map((e) => e.model?.release()));
  }

  /** @param key `model:version` @param load undefined when it need not be kept any more */
  keep(key: string, load: Loadable | undefined): void {
    if (load) this.loads.set(key, load);
    else this.loads.delete(key);
    this.reconcile();
  }

  /**
   * Sets the versions to load once in addition to those that are kept; `versions()` reports whether they could be
   * loaded.
   */
  tryOut(specs: readonly Loadable[]): void {
    this.trials = specs;
    this.reconcile();
  }

  versions(): LoadedVersion[] {
    return [...this.entries.values()].map(({ spec, state, error }) => ({
      model: spec.model,
      version: spec.version,
      digest: spec.digest,
      state,
      ...(error ? { error: error.length > MOST_REASON ? `${error.slice(0, MOST_REASON)}…` : error } : {}),
    }));
  }

  all(): LoadedModel[] {
    return [...this.entries.values()].flatMap((e) => (e.model ? [e.model] : []));
  }

  find(model: string, version: number): LoadedModel | undefined {
    return this.entries.get(formatVersion({ model, version }))?.model;
  }

  /** @throws ProblemError unknown_version when it is not loaded here */
  get(model: string, version: number): LoadedModel {
    const found = this.find(model, version);
    if (!found) throw new ProblemError('unknown_version', `${formatVersion({ model, version })} is not loaded here`);
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
    if (this.closed) return;
    const wanted = new Map<string, { spec: Loadable; kept: boolean }>();
    for (const [key, spec] of this.loads) wanted.set(key, { spec, kept: true });
    for (const spec of this.trials) {
      const key = formatVersion(spec);
      if (!wanted.has(key)) wanted.set(key, { spec, kept: false });
    }
    const now = performance.now();
    for (const [key, { spec, kept }] of wanted) await this.want(key, spec, kept);
    for (const [key, entry] of this.next(now)) {
      entry.busy = true;
      entry.begunAt = now;
      // Not awaited: a slow source or a hanging model delays no other version.
      void this.load(key, entry).finally(() => {
        entry.busy = false;
        this.parts.onChange();
        this.reconcile();
      });
    }
    // A version that passed its trial may be needed soon: it stays loaded for a while, unless others wait for their
    // trial.
    const crowded = this.due(now).some(([, e]) => !e.kept);
    for (const [key, entry] of this.entries) {
      if (wanted.has(key) || entry.busy) continue;
      entry.unwantedSince ??= now;
      if (now - entry.unwantedSince < LINGER_MS && (entry.served || !crowded)) continue;
      this.entries.delete(key);
      await entry.model?.release();
      this.parts.log.info({ version: key }, 'unloaded the version');
      this.parts.onChange();
      await this.evict();
    }
  }

  private async want(key: string, spec: Loadable, kept: boolean): Promise<void> {
    const present = this.entries.get(key);
    // The same number may be reused after the model was deleted.
    const other = present !== undefined && present.spec.digest !== spec.digest;
    if (other && present.busy) return;
    if (other) await present.model?.release();
    const entry: Entry = (!other && present) || {
      spec,
      state: 'loading',
      error: undefined,
      model: undefined,
      unwantedSince: undefined,
      retryAt: 0,
      busy: false,
      kept,
      served: false,
      begunAt: 0,
      failures: 0,
      ends: 0,
    };
    this.entries.set(key, entry);
    // It is needed now, so it need not wait as long as a trial may.
    if (kept && !entry.kept) Object.assign(entry, { retryAt: 0, failures: 0 });
    Object.assign(entry, { spec, kept, served: entry.served || kept, unwantedSince: undefined });
  }

  /** The versions to load now: all that are kept, and a few of those on trial, the least recently tried first. */
  private next(now: number): [string, Entry][] {
    const due = this.due(now);
    const tried = [...this.entries.values()].filter((e) => !e.kept && (e.busy || e.model)).length;
    return [
      ...due.filter(([, e]) => e.kept),
      ...due
        .filter(([, e]) => !e.kept)
        .sort(([, a], [, b]) => a.begunAt - b.begunAt)
        .slice(0, Math.max(0, MOST_TRIED - tried)),
    ];
  }

  private due(now: number): [string, Entry][] {
    return [...this.entries].filter(
      ([, e]) => !e.busy && !e.model && e.state === 'loading' && e.unwantedSince === undefined && now >= e.retryAt,
    );
  }

  private async load(key: string, entry: Entry): Promise<void> {
    const { artifacts, log } = this.parts;
    const lanes = this.lanes[entry.kept ? 'kept' : 'trial'];
    const { sha256, uris } = entry.spec.artifact;
    try {
      const file = await lanes.download.run(() => artifacts.fetch(sha256, uris));
      await this.evict();
      await lanes.load.run(() => this.create(key, entry, file));
    } catch (error) {
      this.postpone(entry, (error as Error).message);
      if (error instanceof ArtifactError && error.wrongBytes) entry.state = 'failed';
      log.warn({ version: key, error: entry.error, state: entry.state }, 'the artifact could not be fetched');
    }
  }

  /** It is retried with growing pauses; until then its reason is reported with the state `loading`. */
  private postpone(entry: Entry, reason: string): void {
    entry.error = reason;
    const longest = LONGEST_RETRY_MS[entry.kept ? 'kept' : 'trial'];
    entry.retryAt = performance.now() + Math.min(longest, RETRY_MS * 2 ** entry.failures++);
  }

  private async create(key: string, entry: Entry, file: string): Promise<void> {
    if (this.closed) return;
    const { log, threads, maxQueuedRows, bytes, limits, onChange } = this.parts;
    const began = performance.now();
    try {
      const model = await LoadedModel.load(entry.spec, file, {
        threads,
        maxQueuedRows,
        ...(bytes ? { bytes } : {}),
        limits,
        log,
        onState: (up, reason) => {
          entry.state = up ? 'warm' : 'loading';
          entry.error = up ? undefined : reason.replaceAll(file, 'its file');
          onChange();
        },
      });
      if (this.closed) return await model.release();
      Object.assign(entry, { model, state: 'warm', error: undefined, failures: 0, ends: 0 });
      const ms = Math.round(performance.now() - began);
      log.info({ version: key, provider: model.provider, pid: model.pid, ms }, 'the version is loaded and warm');
    } catch (error) {
      // The publisher reads this reason, so the path of the cache is left out.
      const reason = (error as Error).message.replaceAll(file, 'its file');
      const ended = error instanceof ModelProcessError ? error.kind : undefined;
      const byItself = ended === 'hung' || ended === 'crashed';
      if (byItself) entry.ends++;
      // Another worker may have what this one lacks, and this one may have it later: only a fault of the file is final.
      const own = byItself ? entry.ends >= MOST_ENDS : ended === undefined && !outOfMemory(reason);
      this.postpone(entry, byItself && own ? `${reason} (${MOST_ENDS} times)` : reason);
      if (own) entry.state = 'failed';
      log.error({ version: key, error: entry.error, state: entry.state }, 'the version cannot be loaded');
    }
  }

  /** Artifacts that nothing here needs are removed when the cache is full. */
  private async evict(): Promise<void> {
    const { artifacts, log } = this.parts;
    const inUse = () =>
      new Set([...this.entries.values()].filter((e) => e.kept || e.busy || e.model).map((e) => e.spec.artifact.sha256));
    const removed = await artifacts.evict(inUse);
    if (removed.length > 0) log.info({ digests: removed }, 'the cache was full: artifacts were removed');
  }
}
