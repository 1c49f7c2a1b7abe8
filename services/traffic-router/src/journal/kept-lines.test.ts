import { describe, expect, it } from 'vitest';
import { KeptLines } from './kept-lines.ts';

const lines = (...rows: string[]) => ({ bytes: Buffer.from(rows.map((r) => `${r}\n`).join('')), rows: rows.length });
const at = (segment: number, offset: number) => ({ segment, offset });
const text = (kept: KeptLines, segment: number, offset: number, most = 1000) => {
  const found = kept.take(at(segment, offset), most);
  return found && [found.bytes.toString(), found.rows];
};

describe('the lines that are kept in memory', () => {
  it('are those of the place that is asked for, in order, over all appends, and of one segment', () => {
    const kept = new KeptLines(1000);
    kept.add(at(1, 10), lines('a', 'b'));
    kept.add(at(1, 14), lines('c'));
    kept.add(at(2, 0), lines('d'));
    expect(text(kept, 1, 10)).toEqual(['a\nb\nc\n', 3]);
    // Nothing was sent: they are still there.
    expect(text(kept, 1, 10)).toEqual(['a\nb\nc\n', 3]);
    expect(text(kept, 1, 16)).toBeUndefined();
    expect(text(kept, 2, 0)).toEqual(['d\n', 1]);
  });

  it('begin within an append where the lines before were sent', () => {
    const kept = new KeptLines(1000);
    kept.add(at(1, 0), lines('aa', 'bb', 'cc'));
    expect(text(kept, 1, 3)).toEqual(['bb\ncc\n', 2]);
    expect(text(kept, 1, 9)).toBeUndefined();
  });

  it('end at the last line that fits, and are none where the first is too long', () => {
    const kept = new KeptLines(1000);
    kept.add(at(1, 0), lines('aa', 'bb'));
    kept.add(at(1, 6), lines('cc', 'dd'));
    expect(text(kept, 1, 0, 10)).toEqual(['aa\nbb\ncc\n', 3]);
    expect(text(kept, 1, 0, 6)).toEqual(['aa\nbb\n', 2]);
    expect(text(kept, 1, 0, 5)).toEqual(['aa\n', 1]);
    expect(text(kept, 1, 0, 2)).toBeUndefined();
  });

  it('leave the oldest to the disk beyond their bound, and have nothing for a place before or between them', () => {
    const kept = new KeptLines(6);
    kept.add(at(1, 0), lines('aa'));
    kept.add(at(1, 3), lines('bb'));
    kept.add(at(1, 6), lines('cc'));
    expect(text(kept, 1, 0)).toBeUndefined();
    expect(text(kept, 1, 3)).toEqual(['bb\ncc\n', 2]);
    const gap = new KeptLines(100);
    gap.add(at(1, 0), lines('aa'));
    gap.add(at(1, 50), lines('bb'));
    expect(text(gap, 1, 0)).toEqual(['aa\n', 1]);
  });
});
