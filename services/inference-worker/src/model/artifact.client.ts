import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hostAllowed, hostRefusal } from '@slipway/contracts';

/** Wrong bytes, too many of them, or a source that may not be asked: trying again will not help. */
export class ArtifactRefusedError extends Error {
  override name = 'ArtifactRefusedError';
}

export type ArtifactClientOptions = {
  folder: string;
  /** Goes to these origins and to no other. */
  key: string;
  registryUrls: readonly string[];
  /** Other hosts that may be asked, without the key. */
  allowedHosts: readonly string[];
  maxBytes: number;
  /** A source that sends nothing for so long is given up. */
  silenceMs?: number;
};

const MOST_REDIRECTS = 5;
/** Begins the name of a file that is still being fetched. */
const PARTIAL = '.';

/** Artefacts by their SHA-256, as files: from the cache, else from any of the URIs; always checked. */
export class ArtifactClient {
  private readonly options: ArtifactClientOptions;
  private readonly origins: ReadonlySet<string>;
  constructor(options: ArtifactClientOptions) {
    this.options = options;
    this.origins = new Set(options.registryUrls.map((u) => new URL(u).origin));
  }

  /** Removes what a process that was killed had fetched in part; the folder is this worker's own. */
  async forgetPartials(): Promise<void> {
    const names = await readdir(this.options.folder).catch(() => []);
    for (const name of names) if (name.startsWith(PARTIAL)) await rm(join(this.options.folder, name), { force: true });
  }

  /**
   * @returns the file's path
   * @throws ArtifactRefusedError when a source gives other bytes or too many, or may not be asked; any other error when
   * no source could be reached
   */
  async fetch(digest: string, uris: readonly string[]): Promise<string> {
    const path = join(this.options.folder, digest);
    if ((await digestOf(path)) === digest) return path;
    let last: unknown = new Error('the route names no source');
    for (const uri of uris) {
      const partial = join(this.options.folder, `${PARTIAL}${randomUUID()}`);
      try {
        await this.download(uri, digest, partial);
        await rename(partial, path);
        return path;
      } catch (error) {
        if (error instanceof ArtifactRefusedError) throw error;
        last = error;
      } finally {
        await rm(partial, { force: true });
      }
    }
    throw last;
  }

  /** Streams to disk: a model need not fit into memory twice. */
  private async download(uri: string, digest: string, partial: string): Promise<void> {
    const { folder, maxBytes, silenceMs = 60_000 } = this.options;
    const quiet = new AbortController();
    const timer = setTimeout(() => quiet.abort(new Error(`${uri} sent nothing for ${silenceMs} ms`)), silenceMs);
    const tooLarge = (bytes: number) =>
      new ArtifactRefusedError(`${uri} gives ${bytes} bytes or more; MAX_ARTIFACT_BYTES is ${maxBytes}`);
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
        throw new ArtifactRefusedError(`${uri} gave bytes with the SHA-256 ${actual}; the version names ${digest}`);
    } finally {
      clearTimeout(timer);
      quiet.abort();
    }
  }

  /** Follows redirects by itself: each place is checked, and only the registry's own get the key. */
  private async ask(uri: string, signal: AbortSignal): Promise<Response> {
    const { key, allowedHosts } = this.options;
    let url = uri;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const own = this.origins.has(new URL(url).origin);
      if (!own && !hostAllowed(allowedHosts, url))
        throw new ArtifactRefusedError(hostRefusal('ARTIFACT_HOSTS', [...this.origins, ...allowedHosts], url));
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
