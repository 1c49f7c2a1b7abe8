// Over 300 lines: segments, position and counts change together, and recovering from a failing disk needs all three.
import {
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { MAX_RECORD_BYTES, type Topic } from '@slipway/contracts';
import {
  backoffMs,
  type EncodedRecord,
  isRefusedRecord,
  type Logger,
  type RecordProducer,
  steadyNow,
} from '@slipway/platform';
import type { z } from 'zod';
import { KeptLines, type Lines, type Position } from './kept-lines.ts';
import { lines, NEWLINE, newlines } from './lines.ts';

const LINE_END = Buffer.from([NEWLINE]);
const SEGMENT_BYTES = 32 * 1024 * 1024;
/**
 * With less than this waiting, the shipper lets rows accumulate for a moment, because a record for every row would cost
 * more than the row.
 */
const SMALL_BYTES = 256 * 1024;
/** What was appended last is kept in memory, up to so much: some records of what is about to be sent. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** The position is saved so often: a kill -9 within that time ships once more what went then. */
const SAVE_MS = 100;
/** The position's text, padded: each one takes the place of the one before, by one small write. */
const POSITION_BYTES = 64;

/** Where its lines go, and as which records. */
export type JournalContent =
  | {
      /** A record holds as many lines as fit. */
      topic: RowTopic;
      record?: undefined;
    }
  | {
      topic: EventTopic;
      /** Turns one line (without its newline) into a record of its own. */
      record: (line: Buffer) => EncodedRecord<EventTopic>;
    };
export type JournalOptions = JournalContent & {
  folder: string;
  producer: Pick<RecordProducer, 'publishEncoded'>;
  log: Logger;
  maxBytes: number;
  lingerMs?: number;
};
type RowTopic = Topic<z.ZodType, 'rows'>;
type EventTopic = Topic<z.ZodType, 'events'>;

/**
 * Rows on disk that Kafka has not acknowledged. `append` is one write; the shipper sends them in records below 900 KB,
 * from memory where they are still there and else read back, and moves its position once Kafka has acknowledged. After
 * a kill -9 what was appended is in the kernel's page cache and is shipped by the next start (a power failure may lose
 * the last moments; rows carry ids, so shipping twice is harmless).
 *
 * Nobody else belongs into the folder. Still, a second process there loses no row of either, and what is deleted or cut
 * off from outside is counted and makes room.
 */
export class RowJournal {
  private readonly options: JournalOptions;
  private readonly positionFile: string;
  private segment: number;
  private fd: number;
  private segmentBytes = 0;
  private position: Position;
  private readonly kept = new KeptLines(KEPT_BYTES);
  private positionFd: number | undefined;
  private savedAt = Number.NEGATIVE_INFINITY;
  private saving: NodeJS.Timeout | undefined;
  private bytesWaiting = 0;
  /** Unsent bytes of each of this process's segments, by number, oldest first. */
  private readonly held = new Map<number, { bytes: number; rows: number }>();
  private wake: (() => void) | undefined;
  /** Rows were appended since the shipper last looked. */
  private fresh = false;
  private closing = false;
  private shipping: Promise<void> | undefined;
  /**
   * Rows appended by this process, rows acknowledged, and rows lost: the journal was full, the disk failed, or somebody
   * removed them.
   */
  appended = 0;
  shipped = 0;
  refused = 0;
  /** Lines that fit into no record: they are moved to `set-aside.ndjson` beside the segments, and counted. */
  setAside = 0;
  private lastComplaint = 0;

  constructor(options: JournalOptions) {
    this.options = options;
    mkdirSync(options.folder, { recursive: true });
    this.positionFile = join(options.folder, 'position.json');
    const segments = this.segments();
    this.position = this.loadPosition(segments[0]);
    for (const s of segments) {
      const waits = this.repair(s, s === this.position.segment ? this.position.offset : 0);
      this.held.set(s, waits);
      this.bytesWaiting += waits.bytes;
    }
    this.segment = Math.max(this.position.segment - 1, segments.at(-1) ?? 0);
    this.fd = this.openNext();
    if (segments.length === 0) this.position = { segment: this.segment, offset: 0 };
  }

  /** Begins a segment that no other process writes to, with the next free number. */
  private openNext(): number {
    for (let next = this.segment + 1; ; next++) {
      try {
        const fd = openSync(this.path(next), 'ax+');
        this.segment = next;
        this.segmentBytes = 0;
        this.held.set(next, { bytes: 0, rows: 0 });
        return fd;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  private path(segment: number): string {
    return join(this.options.folder, `${String(segment).padStart(10, '0')}.ndjson`);
  }

  private segments(): number[] {
    return readdirSync(this.options.folder)
      .filter((f) => /^\d+\.ndjson$/.test(f))
      .map((f) => Number.parseInt(f, 10))
      .sort((a, b) => a - b);
  }

  /**
   * Everything before the saved position, or without a valid position everything, is sent once more and never deleted.
   */
  private loadPosition(first: number | undefined): { segment: number; offset: number } {
    let saved = { segment: 0, offset: 0 };
    try {
      saved = JSON.parse(readFileSync(this.positionFile, 'utf8')) ?? saved;
    } catch {
      // The file does not exist, or is incomplete.
    }
    const { segment, offset } = saved;
    if (first === segment && Number.isSafeInteger(offset) && offset >= 0)
      return { segment, offset: Math.min(offset, statSync(this.path(segment)).size) };
    return { segment: first ?? (Number.isSafeInteger(segment) && segment > 0 ? segment : 1), offset: 0 };
  }

  /** Cuts off a last line that was incomplete at a kill: its answer had not left. @returns the length from `offset` */
  private repair(segment: number, offset: number): { bytes: number; rows: number } {
    const path = this.path(segment);
    const content = readFileSync(path);
    const end = content.lastIndexOf(NEWLINE) + 1;
    if (end < content.length) truncateSync(path, end);
    return { bytes: Math.max(0, end - offset), rows: newlines(content.subarray(offset)) };
  }

  get waitingBytes(): number {
    return this.bytesWaiting;
  }

  /**
   * Appends whole lines by one write.
   * @returns false when they were not accepted: the journal is full, or the disk failed
   */
  append(pieces: Buffer[], rows: number): boolean {
    const written = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    const bytes = written.length;
    try {
      if (this.bytesWaiting + bytes > this.options.maxBytes)
        throw new Error(`the journal has reached its ${this.options.maxBytes} bytes`);
      if (this.segmentBytes > SEGMENT_BYTES) this.roll();
      else if (fstatSync(this.fd).size !== this.segmentBytes) {
        // It was changed from outside, or half a line could not be taken back: what is on the disk counts.
        this.kept.clear();
        this.roll();
      }
      for (let from = 0; from < bytes; ) from += writeSync(this.fd, written, from);
    } catch (error) {
      this.refused += rows;
      this.restoreTail();
      const now = steadyNow();
      if (now - this.lastComplaint > 1000) {
        this.lastComplaint = now;
        this.options.log.error(
          { error: (error as Error).message, topic: this.options.topic.name, refused: this.refused },
          'THE JOURNAL CANNOT WRITE ROWS',
        );
      }
      return false;
    }
    this.kept.add({ segment: this.segment, offset: this.segmentBytes }, { bytes: written, rows });
    this.segmentBytes += bytes;
    this.bytesWaiting += bytes;
    const held = this.held.get(this.segment);
    if (held) {
      held.bytes += bytes;
      held.rows += rows;
    }
    this.appended += rows;
    this.fresh = true;
    this.wake?.();
    return true;
  }

  /** After a failed write no partial line may remain. */
  private restoreTail(): void {
    try {
      if (fstatSync(this.fd).size > this.segmentBytes) ftruncateSync(this.fd, this.segmentBytes);
    } catch (error) {
      this.options.log.error({ err: error }, 'the journal could not be repaired');
    }
  }

  private roll(): void {
    const before = this.fd;
    this.fd = this.openNext();
    closeSync(before);
  }

  start(): void {
    this.shipping = this.ship();
  }

  private async ship(): Promise<void> {
    let attempt = 0;
    while (!this.closing) {
      try {
        this.fresh = false;
        if (!(await this.shipOne())) {
          if (!this.fresh) await this.idle();
        } else if (this.bytesWaiting < SMALL_BYTES && !this.closing) await this.pause(this.options.lingerMs ?? 20);
        attempt = 0;
      } catch (error) {
        if (attempt === 0)
          this.options.log.warn(
            { error: (error as Error).message, topic: this.options.topic.name, waitingBytes: this.bytesWaiting },
            'Kafka does not accept rows; the journal keeps them',
          );
        await this.pause(backoffMs(Math.min(attempt++, 4), Math.random()));
      }
    }
  }

  private idle(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        setTimeout(resolve, this.options.lingerMs ?? 20);
      };
    });
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Sends the next chunk. @returns false when there is nothing to send */
  private async shipOne(): Promise<boolean> {
    const found = this.next();
    if (!found) return false;
    const { bytes: chunk, rows } = found;
    const { log, topic } = this.options;
    try {
      await this.publish(chunk);
    } catch (error) {
      if (!isRefusedRecord(error)) throw error;
      // The broker refuses the records themselves: they are sent one line at a time, and those that it accepts are
      // done.
      for (const line of lines(chunk)) {
        try {
          await this.publish(Buffer.concat([line, LINE_END]));
          this.shipped++;
        } catch (refused) {
          if (!isRefusedRecord(refused)) throw refused;
          this.putAside(line, (refused as Error).message);
        }
        this.advance(line.length + 1, 1);
      }
      log.warn(
        { topic: topic.name, error: (error as Error).message, setAside: this.setAside },
        'the broker refused a record',
      );
      return true;
    }
    this.shipped += rows;
    this.advance(chunk.length, rows);
    return true;
  }

  /** @param chunk whole lines, each with its newline */
  private async publish(chunk: Buffer): Promise<void> {
    const { producer, ...o } = this.options;
    if (o.record) await producer.publishEncoded(o.topic, lines(chunk).map(o.record));
    else await producer.publishEncoded(o.topic, [{ value: chunk.subarray(0, chunk.length - 1) }]);
  }

  private advance(bytes: number, rows: number): void {
    this.position.offset += bytes;
    const held = this.held.get(this.position.segment);
    if (held) {
      // Another process may have written to it since.
      const known = Math.min(bytes, held.bytes);
      this.bytesWaiting -= known;
      held.bytes -= known;
      held.rows = Math.max(0, held.rows - rows);
    }
    this.saveSoon();
  }

  /** A line that cannot be sent is not lost: it is set aside and counted, and the others go on. */
  private putAside(line: Buffer, why: string): void {
    appendFileSync(join(this.options.folder, 'set-aside.ndjson'), Buffer.concat([line, LINE_END]));
    this.setAside++;
    this.options.log.error(
      { topic: this.options.topic.name, bytes: line.length, why, setAside: this.setAside },
      'A ROW CANNOT BE SENT: it was moved to set-aside.ndjson',
    );
  }

  /** The next whole lines after the position. A segment is forgotten only when all of it is sent or set aside. */
  private next(): Lines | undefined {
    for (;;) {
      const path = this.path(this.position.segment);
      const written = this.position.segment === this.segment;
      // The current segment is read through its open file, so that it is readable even if somebody has deleted the
      // file.
      const fd = written ? this.fd : openIfThere(path);
      try {
        const { size, nlink } = fd === undefined ? { size: 0, nlink: 0 } : fstatSync(fd);
        const left = size - this.position.offset;
        if (fd !== undefined && left > 0) {
          const most = Math.min(MAX_RECORD_BYTES, left);
          const found = this.kept.take(this.position, most) ?? this.read(fd, most);
          if (found.rows > 0) return found;
          const line = left > MAX_RECORD_BYTES ? this.longLine(fd, left) : undefined;
          if (line) {
            this.putAside(line.subarray(0, line.length - 1), `a line of ${line.length} bytes fits into no record`);
            this.advance(line.length, 1);
            continue;
          }
        }
        if (written) {
          if (nlink > 0) return undefined;
          this.roll();
        } else if (fd !== undefined && left > 0) {
          // A segment that is no longer written to ends with a newline: this tail is a line that was incomplete at a
          // kill.
          this.options.log.error(
            { path, bytes: left },
            'a segment ended with an incomplete line, which was moved to set-aside.ndjson',
          );
          this.putAside(this.readAll(fd, left), 'half a line');
          this.advance(left, 0);
        }
      } finally {
        if (fd !== undefined && !written) closeSync(fd);
      }
      this.leave(path);
    }
  }

  /** Goes on to the next segment. Data that are missing in this one are counted as lost. */
  private leave(path: string): void {
    rmSync(path, { force: true });
    const { segment } = this.position;
    const { bytes, rows } = this.held.get(segment) ?? { bytes: 0, rows: 0 };
    this.held.delete(segment);
    this.bytesWaiting -= bytes;
    this.refused += rows;
    if (bytes > 0)
      this.options.log.error({ path, bytes, rows, refused: this.refused }, 'ROWS WERE REMOVED FROM THE JOURNAL');
    this.position = { segment: Math.min(...this.held.keys()), offset: 0 };
    this.savePosition();
  }

  private readAll(fd: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, readSync(fd, buffer, 0, length, this.position.offset));
  }

  /** Whole lines within `length` bytes from the position; none when not even one ends there. */
  private read(fd: number, length: number): Lines {
    const all = this.readAll(fd, length);
    const bytes = all.subarray(0, all.lastIndexOf(NEWLINE) + 1);
    return { bytes, rows: newlines(bytes) };
  }

  /** A first line that is longer than a record, with its newline; `undefined` while it is still being written. */
  private longLine(fd: number, left: number): Buffer | undefined {
    const bytes = this.readAll(fd, left);
    const end = bytes.indexOf(NEWLINE);
    return end < 0 ? undefined : bytes.subarray(0, end + 1);
  }

  /** Saves the position now if it was not saved of late, else when it is time. */
  private saveSoon(): void {
    const left = this.savedAt + SAVE_MS - performance.now();
    if (left <= 0) this.savePosition();
    else this.saving ??= setTimeout(() => this.savePosition(), left);
  }

  /** A full disk must still drain: without a saved position the next start sends again what was sent already. */
  private savePosition(): void {
    clearTimeout(this.saving);
    this.saving = undefined;
    this.savedAt = performance.now();
    try {
      if (this.positionFd === undefined) {
        this.positionFd = openSync(this.positionFile, constants.O_RDWR | constants.O_CREAT);
        ftruncateSync(this.positionFd, POSITION_BYTES);
      }
      writeSync(this.positionFd, JSON.stringify(this.position).padEnd(POSITION_BYTES), 0);
    } catch (error) {
      this.options.log.warn({ error: (error as Error).message }, 'the position in the journal could not be saved');
    }
  }

  /** Sends what it can within `patienceMs`; the rest stays on disk for the next start. */
  async close(patienceMs = 5000): Promise<void> {
    if (this.closing) return;
    const deadline = steadyNow() + patienceMs;
    while (this.bytesWaiting > 0 && steadyNow() < deadline) {
      this.wake?.();
      await this.pause(20);
    }
    this.closing = true;
    this.wake?.();
    await Promise.race([this.shipping, this.pause(1000)]);
    if (this.saving) this.savePosition();
    if (this.positionFd !== undefined) closeSync(this.positionFd);
    this.positionFd = undefined;
    closeSync(this.fd);
    // Its number may soon be another file's.
    this.fd = -1;
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
