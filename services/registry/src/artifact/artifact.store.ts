import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ProblemError } from '@slipway/core';
import { drained } from '@slipway/platform';
import type { Actor } from '../actor/actor.ts';
import { appendAudit } from '../audit/audit.store.ts';
import type { Database } from '../database/database.store.ts';

/** Error codes of a disk that cannot be written to. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
/** Prefix of the name of a file that is still being uploaded. */
const PARTIAL = '.';

/** Files by their SHA-256, in a folder that all registries share. Existing files never change. */
export class ArtifactStore {
  private readonly database: Database;
  private readonly folder: string;
  private readonly maxBytes: number;
  constructor(database: Database, folder: string, maxBytes: number) {
    this.database = database;
    this.folder = folder;
    this.maxBytes = maxBytes;
  }

  private path(sha256: string): string {
    return join(this.folder, sha256.slice(0, 2), sha256);
  }

  /** Reads `body` to its end, even when it is refused, so that its connection can be reused. */
  async put(
    sha256: string,
    body: NodeJS.ReadableStream,
    actor: Actor,
    now: number,
  ): Promise<{ sha256: string; bytes: number }> {
    const arriving = drained(body, new PassThrough());
    const hash = createHash('sha256');
    let bytes = 0;
    await mkdir(join(this.folder, sha256.slice(0, 2)), { recursive: true });
    const partial = join(this.folder, `${PARTIAL}${randomUUID()}`);
    const { maxBytes } = this;
    try {
      await pipeline(
        arriving,
        async function* (source) {
          for await (const chunk of source as AsyncIterable<Buffer>) {
            bytes += chunk.length;
            if (bytes > maxBytes) throw new ProblemError('too_large', `an artifact may have at most ${maxBytes} bytes`);
            hash.update(chunk);
            yield chunk;
          }
        },
        // Acknowledged files are flushed to disk, because Postgres still refers to them after a power failure.
        createWriteStream(partial, { flush: true }),
      );
      const digest = hash.digest('hex');
      if (digest !== sha256)
        throw new ProblemError('digest_mismatch', `the bytes have the SHA-256 ${digest}, but the path says ${sha256}`);
      await rename(partial, this.path(sha256));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || !NO_ROOM.has(code)) throw error;
      throw new ProblemError('unavailable', `the artifact folder cannot be written to now (${code})`, { cause: error });
    } finally {
      await rm(partial, { force: true });
    }
    await this.database.transaction(async (sql) => {
      const inserted = await sql.query(
        `INSERT INTO artifacts (sha256, bytes, created_at, created_by)
          VALUES ($1, $2, $3, $4)
          ON CONFLICT DO NOTHING RETURNING sha256`,
        [sha256, bytes, now, actor.name],
      );
      if (inserted.length > 0)
        await appendAudit(sql, {
          aggregate: `artifact/${sha256}`,
          actor,
          action: 'store',
          reason: '',
          state: { sha256, bytes },
          now,
        });
    });
    return { sha256, bytes };
  }

  /**
   * Removes partial uploads of killed registries.
   * @param olderThan milliseconds since the epoch: files written to since then may be under way, here or elsewhere
   */
  async forgetPartials(olderThan: number): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const path = join(this.folder, name);
      const written = name.startsWith(PARTIAL) ? (await stat(path).catch(() => undefined))?.mtimeMs : undefined;
      if (written !== undefined && written < olderThan) await rm(path, { force: true });
    }
  }

  async get(sha256: string): Promise<{ stream: Readable; bytes: number }> {
    const info = await stat(this.path(sha256)).catch(() => undefined);
    if (!info) throw new ProblemError('not_found', `there is no artifact ${sha256}`);
    return { stream: createReadStream(this.path(sha256)), bytes: info.size };
  }
}
