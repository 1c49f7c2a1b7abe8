import type { ServerResponse } from 'node:http';
import { ProblemError } from '@slipway/core';
import { gauge } from '@slipway/platform';
import { revokedAmong } from '../access/key.store.ts';
import type { Database } from '../database/database.store.ts';
import { evidenceLog } from './evidence.store.ts';
import { findRollout } from './rollout.store.ts';

const LOOK_MS = 500;
const LOOKS_PER_SIGN_OF_LIFE = 30;
/** Number of streams that one registry serves at a time. */
const MOST_STREAMS = 256;
/** A reader with this many unread bytes is disconnected: it is gone, or cannot catch up. */
const MOST_WAITING_BYTES = 1_000_000;

type Reader = { out: ServerResponse; keyId: string; revision: string; evidence: string };

const openGauge = gauge('slipway_registry_event_streams', 'Streams of rollout events that are open');

/** Streams of server-sent events: one database query for each watched rollout, however many readers it has. */
export class RolloutEvents {
  private readonly database: Database;
  private readonly watched = new Map<string, Set<Reader>>();
  private open = 0;
  constructor(database: Database) {
    this.database = database;
  }

  /** @throws ProblemError overloaded */
  requireRoom(): void {
    if (this.open >= MOST_STREAMS)
      throw new ProblemError('overloaded', `this registry serves ${MOST_STREAMS} event streams already`);
  }

  /**
   * Writes the rollout and its evidence now and whenever they change, until the reader disconnects or its key is
   * revoked.
   * @param keyId id of the reader's API key
   */
  follow(id: string, out: ServerResponse, keyId: string): void {
    if (out.destroyed || out.socket?.readableEnded) return void out.destroy();
    const reader: Reader = { out, keyId, revision: '', evidence: '' };
    const readers = this.watched.get(id);
    if (readers) readers.add(reader);
    else this.watched.set(id, new Set([reader]));
    openGauge.set(++this.open);
    out.on('close', () => {
      this.watched.get(id)?.delete(reader);
      openGauge.set(--this.open);
    });
    // A reader that closes its side has gone; otherwise this would be noticed only at the second keep-alive.
    out.socket?.once('end', () => out.destroy());
    out.write(': alive\n\n');
    if (!readers) void this.watch(id);
  }

  private async watch(id: string): Promise<void> {
    for (let looks = 1; this.watched.get(id)?.size; looks++) {
      await this.look(id).catch(() => undefined);
      if (looks % LOOKS_PER_SIGN_OF_LIFE === 0) this.each(id, ({ out }) => out.write(': alive\n\n'));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    this.watched.delete(id);
  }

  private async look(id: string): Promise<void> {
    const rollout = await findRollout(this.database, id);
    const [latest] = (await evidenceLog(this.database, id, undefined, 1)).items;
    const revision = `${rollout.revision.epoch}.${rollout.revision.n}`;
    const revoked = await revokedAmong(
      this.database,
      [...(this.watched.get(id) ?? [])].map((r) => r.keyId),
    );
    this.each(id, (reader) => {
      if (revoked.has(reader.keyId)) return void reader.out.end();
      const send = (event: string, data: unknown) =>
        reader.out.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (revision !== reader.revision) send('rollout', rollout);
      if (latest && latest.event_id !== reader.evidence) send('evidence', latest);
      reader.revision = revision;
      reader.evidence = latest?.event_id ?? '';
    });
  }

  private each(id: string, act: (reader: Reader) => void): void {
    for (const reader of this.watched.get(id) ?? []) {
      if (reader.out.writableLength > MOST_WAITING_BYTES) reader.out.destroy();
      else act(reader);
    }
  }
}
