import { NEWLINE, newlines } from './lines.ts';

/** Where in the journal: a segment's number, and bytes from its beginning. */
export type Position = { segment: number; offset: number };
/** Whole lines, each with its newline, and how many. */
export type Lines = { bytes: Buffer; rows: number };
type Kept = Position & Lines;

/**
 * The lines that were appended last, in memory: what is sent soon after need not be read back. It forgets the oldest
 * beyond its bound; those are on the disk. Pure.
 */
export class KeptLines {
  private readonly mostBytes: number;
  private readonly kept: Kept[] = [];
  private bytes = 0;

  constructor(mostBytes: number) {
    this.mostBytes = mostBytes;
  }

  /** Keeps what was appended at a place, behind all that was kept before. */
  add(at: Position, lines: Lines): void {
    this.kept.push({ ...at, ...lines });
    this.bytes += lines.bytes.length;
    while (this.bytes > this.mostBytes) this.drop();
  }

  /**
   * The lines at a place, as many whole ones as `most` bytes hold; what lies before it is forgotten. None where they
   * are not in memory, or where not even the first line fits.
   */
  take(at: Position, most: number): Lines | undefined {
    for (let first = this.kept[0]; first && isBehind(first, at); first = this.kept[0]) this.drop();
    const parts: Buffer[] = [];
    let bytes = 0;
    let rows = 0;
    for (const kept of this.kept) {
      const skipped = at.offset + bytes - kept.offset;
      // Not the next byte of the journal: it is of another segment, or begins later.
      if (kept.segment !== at.segment || skipped < 0 || (parts.length > 0 && skipped > 0)) break;
      const rest = kept.bytes.subarray(skipped);
      const fits = rest.length <= most - bytes;
      const whole = fits ? rest : rest.subarray(0, lineEnd(rest, most - bytes));
      if (whole.length > 0) parts.push(whole);
      bytes += whole.length;
      rows += skipped === 0 && fits ? kept.rows : newlines(whole);
      if (!fits) break;
    }
    return bytes === 0 ? undefined : { bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), rows };
  }

  clear(): void {
    this.kept.length = 0;
    this.bytes = 0;
  }

  private drop(): void {
    this.bytes -= this.kept.shift()?.bytes.length ?? 0;
  }
}

/** Whether all of it lies before a place. */
function isBehind({ segment, offset, bytes }: Kept, at: Position): boolean {
  return segment < at.segment || (segment === at.segment && offset + bytes.length <= at.offset);
}

/** Behind the last newline within `most` bytes; 0 when there is none. */
function lineEnd(bytes: Buffer, most: number): number {
  return most < 1 ? 0 : bytes.lastIndexOf(NEWLINE, most - 1) + 1;
}
