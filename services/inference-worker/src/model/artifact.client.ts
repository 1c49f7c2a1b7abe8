import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hostAllowed, hostRefusal } from '@slipway/model';

/**
 * No source gives the bytes. `wrongBytes`: every source gives bytes that do not match the digest, and would do so for
 * every worker. Otherwise the cause is this worker's environment: a limit, a host that it may not call, or a source
 * that it cannot reach.
 */
export class ArtifactError extends Error {
  override name = 'ArtifactError';
  readonly wrongBytes: boolean;
  constructor(message: string, wrongBytes = false) {
    super(message);
    this.wrongBytes = wrongBytes;
  }
}

export type ArtifactClientOptions = {
  folder: string;
  /** The key is sent to these origins only. */
  key: string;
  registryUrls: readonly string[];
  /** Other hosts that may be called, without the key. */
  allowedHosts: readonly string[];
  maxBytes: number;
  /** Limit on all files together; files in use are never removed. */
  cacheBytes: number;
  /** Milliseconds without data after which a source is given up. */
  silenceMs?: number;
  /** Milliseconds after which a source that has not sent everything is given up. */
  longestMs?: number;
};

const MOST_REDIRECTS = 5;
const DIGEST = /^[0-9a-f]{64}$/;
/** Prefix of the name of a file that is still being downloaded. */
const PARTIAL = '.';

/** Artifacts as files by SHA-256: from the cache, else from any of the URIs; always checked. */
export class ArtifactClient {
  private readonly options: ArtifactClientOptions;
  private readonly origins: ReadonlySet<string>;
  constructor(options: ArtifactClientOptions) {
    this.options = options;
    this.origins = new Set(options.registryUrls.map((u) => new URL(u).origin));
  }

  /** Removes partial downloads of a killed process; the folder belongs to this worker alone. */
  async forgetPartials(): Promise<void> {
    const names = await readdir(this.options.folder).catch(() => []);
    for (const name of names) if (name.startsWith(PARTIAL)) await rm(join(this.options.folder, name), { force: true });
  }

  /** @returns the file's path @throws ArtifactError with the error of each source */
  async fetch(digest: string, uris: readonly string[]): Promise<string> {
    const path = join(this.options.folder, digest);
    if ((await digestOf(path)) === digest) {
      // The most recently used artifact stays longest.
      await utimes(path, new Date(), new Date()).catch(() => undefined);
      return path;
    }
    const said: ArtifactError[] = [];
    for (const uri of uris) {
      const partial = join(this.options.folder, `${PARTIAL}${randomUUID()}`);
      try {
        await this.download(uri, digest, partial);
        await rename(partial, path);
        return path;
      } catch (error) {
        said.push(error instanceof ArtifactError ? error : new ArtifactError(reasonOf(error)));
      } finally {
        await rm(partial, { force: true });
      }
    }
    if (said.length === 0) throw new ArtifactError('it names no source');
    const messages = [...new Set(said.map((e) => e.message))];
    throw new ArtifactError(
      messages.join('; '),
      said.every((e) => e.wrongBytes),
    );
  }

  /**
   * Removes files that are not in use, the least recently used first, until all fit into the limit.
   * @param inUse digests, asked for again before each removal
   * @returns the digests that were removed
   */
  async evict(inUse: () => ReadonlySet<string>): Promise<string[]> {
    const { folder, cacheBytes } = this.options;
    const names = await readdir(folder).catch(() => []);
    const files = await Promise.all(
      names.map(async (name) => {
        const found = await stat(join(folder, name)).catch(() => undefined);
        return { name, bytes: found?.size ?? 0, at: found?.mtimeMs ?? 0 };
      }),
    );
    let total = files.reduce((n, f) => n + f.bytes, 0);
    const removed: string[] = [];
    for (const f of files.filter((f) => DIGEST.test(f.name)).sort((a, b) => a.at - b.at)) {
      if (total <= cacheBytes) break;
      if (inUse().has(f.name)) continue;
      await rm(join(folder, f.name), { force: true });
      total -= f.bytes;
      removed.push(f.name);
    }
    return removed;
  }

  /** Streams to disk, so that a model need not fit into memory twice. */
  private async download(uri: string, digest: string, partial: string): Promise<void> {
    const { folder, maxBytes, silenceMs = 60_000, longestMs = 3_600_000 } = this.options;
    const quiet = new AbortController();
    const timer = setTimeout(() => quiet.abort(new Error(`${uri} sent nothing for ${silenceMs} ms`)), silenceMs);
    const whole = setTimeout(() => quiet.abort(new Error(`${uri} took longer than ${longestMs} ms`)), longestMs);
    const tooLarge = (bytes: number) =>
      new ArtifactError(`${uri} has ${bytes} bytes or more; MAX_ARTIFACT_BYTES is ${maxBytes}`);
    try {
      const response = await this.ask(uri, quiet.signal);
      const declared = Number(response.headers.get('content-length') ?? 0);
      if (declared > maxBytes) throw tooLarge(declared);
      const hash = createHash('sha256');
      let bytes = 0;
      await mkdir(folder, { recursive: true });
      await pipeline(
        Readable.fromWeb(response.body as never),
        async function* (source) {
          for await (const chunk of source as AsyncIterable<Uint8Array>) {
            timer.refresh();
            bytes += chunk.length;
            if (bytes > maxBytes) throw tooLarge(bytes);
            hash.update(chunk);
            yield chunk;
          }
        },
        createWriteStream(partial),
        { signal: quiet.signal },
      );
      const actual = hash.digest('hex');
      if (actual !== digest)
        throw new ArtifactError(`${uri} gave bytes with the SHA-256 ${actual}; the version names ${digest}`, true);
    } finally {
      clearTimeout(timer);
      clearTimeout(whole);
      quiet.abort();
    }
  }

  /** Follows redirects itself: each host is checked, and only the registry's own origins get the key. */
  private async ask(uri: string, signal: AbortSignal): Promise<Response> {
    const { key, allowedHosts } = this.options;
    let url = uri;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const own = this.origins.has(new URL(url).origin);
      if (!own && !hostAllowed(allowedHosts, url))
        throw new ArtifactError(hostRefusal('ARTIFACT_HOSTS', [...this.origins, ...allowedHosts], url));
      const response = await fetch(url, {
        headers: own ? { authorization: `Bearer ${key}` } : {},
        redirect: 'manual',
        signal,
      });
      const location = response.headers.get('location');
      if (response.status >= 300 && response.status < 400 && location) {
        await response.body?.cancel();
        url = new URL(location, url).href;
        continue;
      }
      if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
      return response;
    }
    throw new Error(`${uri} redirects more than ${MOST_REDIRECTS} times`);
  }
}

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}

/** The message `fetch failed` has no details; its cause has. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message || (cause as { code?: string }).code}` : message;
}
