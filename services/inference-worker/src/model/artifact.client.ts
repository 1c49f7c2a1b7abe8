import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The bytes are not those that the digest names: trying again will not help. */
export class DigestError extends Error {
  override name = 'DigestError';
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Artefacts by their SHA-256: from the cache, else from any of the URIs; always checked. */
export class ArtifactClient {
  private readonly folder: string;
  private readonly key: string;
  constructor(folder: string, key: string) {
    this.folder = folder;
    this.key = key;
  }

  /** @throws DigestError when a source gives other bytes; any other error when no source could be reached */
  async fetch(digest: string, uris: readonly string[]): Promise<Buffer> {
    const path = join(this.folder, digest);
    const cached = await readFile(path).catch(() => undefined);
    if (cached && sha256(cached) === digest) return cached;
    let last: unknown = new Error('the route names no source');
    for (const uri of uris) {
      try {
        const response = await fetch(uri, {
          headers: { authorization: `Bearer ${this.key}` },
          signal: AbortSignal.timeout(60_000),
        });
        if (!response.ok) throw new Error(`${uri} answered ${response.status}`);
        const bytes = Buffer.from(await response.arrayBuffer());
        const actual = sha256(bytes);
        if (actual !== digest)
          throw new DigestError(`${uri} gave bytes with the SHA-256 ${actual}; the version names ${digest}`);
        await mkdir(this.folder, { recursive: true });
        const partial = join(this.folder, `.${randomUUID()}`);
        await writeFile(partial, bytes);
        await rename(partial, path);
        return bytes;
      } catch (error) {
        if (error instanceof DigestError) throw error;
        last = error;
      }
    }
    throw last;
  }
}
