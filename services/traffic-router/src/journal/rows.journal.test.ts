import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_RECORD_BYTES, topics } from '@slipway/contracts';
import { createLogger } from '@slipway/platform';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RowJournal } from './rows.journal.ts';

const log = createLogger('test', 'test', 'silent');
let folder: string;
let sent: string[];
let away: boolean;
let refused: string;
const open: RowJournal[] = [];
const journal = (maxBytes = 10_000_000) => {
  const producer = {
    publishEncoded: async (_: unknown, records: readonly { value: string | Buffer }[]) => {
      if (away) throw new Error('Kafka is away');
      if (records.some((r) => refused !== '' && String(r.value).split('\n').includes(refused)))
        throw Object.assign(new Error('too large for the broker'), { type: 'MESSAGE_TOO_LARGE' });
      for (const r of records) sent.push(String(r.value));
    },
  };
  const j = new RowJournal({ folder, topic: topics.predictions, producer, log, maxBytes, lingerMs: 1 });
  open.push(j);
  return j;
};
const append = (j: RowJournal, ...rows: string[]) =>
  j.append(
    rows.map((r) => Buffer.from(`${r}\n`)),
    rows.length,
  );
const rows = () => sent.flatMap((s) => s.split('\n'));
async function shipped(n: number): Promise<void> {
  while (rows().length < n) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  sent = [];
  away = false;
  refused = '';
});
afterEach(async () => {
  away = false;
  for (const j of open.splice(0)) await j.close(0);
  rmSync(folder, { recursive: true, force: true });
});

describe('the journal', () => {
  it('sends what was appended, in order, and is empty then', async () => {
    const j = journal();
    j.start();
    append(j, 'a', 'b');
    append(j, 'c');
    await shipped(3);
    expect(rows()).toEqual(['a', 'b', 'c']);
    while (j.waitingBytes > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect([j.appended, j.shipped, j.refused]).toEqual([3, 3, 0]);
  });

  it('sends what it still has in memory, and reads back only what it has not', async () => {
    const j = journal();
    const row = (name: string) => name.repeat(500_000);
    const names = 'abcdefghijkl'.split('');
    append(j, ...names.slice(0, 6).map(row));
    append(j, ...names.slice(6).map(row));
    const [segment] = readdirSync(folder).filter((f) => f.endsWith('.ndjson'));
    const file = join(folder, segment as string);
    // Another text on the disk than in memory, of the same length.
    writeFileSync(file, readFileSync(file, 'latin1').toUpperCase(), 'latin1');
    j.start();
    await shipped(12);
    // The last 4 MiB are in memory, an append a time.
    expect(rows().map((r) => r[0])).toEqual([...'ABCDEF', ...'ghijkl']);
  });

  it('saves its position at most every tenth of a second, and at the latest when it is closed', async () => {
    const j = journal();
    const position = () => JSON.parse(readFileSync(join(folder, 'position.json'), 'utf8')).offset as number;
    j.start();
    append(j, 'a');
    await until(() => j.waitingBytes === 0);
    expect(position()).toBe(2);
    append(j, 'b');
    await until(() => j.waitingBytes === 0);
    expect(position()).toBe(2);
    await until(() => position() === 4);
    append(j, 'c');
    await until(() => j.waitingBytes === 0);
    await j.close(0);
    expect(position()).toBe(6);
  });

  it('sets aside a line that fits into no record, counts it, and sends what follows', async () => {
    const j = journal();
    const long = 'x'.repeat(MAX_RECORD_BYTES + 10);
    append(j, 'before', long, 'after');
    j.start();
    await shipped(2);
    expect(rows()).toEqual(['before', 'after']);
    while (j.waitingBytes > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect([j.appended, j.shipped, j.setAside, j.refused]).toEqual([3, 2, 1, 0]);
    expect(readFileSync(join(folder, 'set-aside.ndjson'), 'utf8')).toBe(`${long}\n`);
    // and the next start does not take it for a segment
    await j.close(0);
    const next = journal();
    append(next, 'later');
    next.start();
    await shipped(3);
    expect(rows()).toEqual(['before', 'after', 'later']);
  });

  it('sets aside only the line that the broker refuses', async () => {
    refused = 'b';
    const j = journal();
    append(j, 'a', 'b', 'c');
    j.start();
    await shipped(2);
    expect([rows(), j.setAside]).toEqual([['a', 'c'], 1]);
  });

  it('deletes no segment before all of it is sent or set aside', async () => {
    away = true;
    const j = journal(200_000_000);
    j.start();
    const row = 'y'.repeat(800_000);
    for (let i = 0; i < 50; i++) append(j, row);
    expect(readdirSync(folder).filter((f) => f.endsWith('.ndjson')).length).toBeGreaterThan(1);
    away = false;
    await shipped(50);
    expect([rows().length, j.setAside]).toEqual([50, 0]);
  });

  it('keeps rows while Kafka is unavailable, sends them after a restart; acknowledged ones once', async () => {
    const first = journal();
    first.start();
    append(first, 'acknowledged');
    await shipped(1);
    while (first.waitingBytes > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    away = true;
    append(first, 'kept 1', 'kept 2');
    await first.close(0);
    away = false;
    const second = journal();
    second.start();
    append(second, 'new');
    await shipped(4);
    expect(rows()).toEqual(['acknowledged', 'kept 1', 'kept 2', 'new']);
  });

  it('cuts off a line that was incomplete at a kill', async () => {
    const first = journal();
    append(first, 'whole');
    const file = readdirSync(folder)
      .filter((f) => f.endsWith('.ndjson'))
      .at(-1) as string;
    appendFileSync(join(folder, file), '{"half":');
    const second = journal();
    second.start();
    append(second, 'next');
    await shipped(2);
    expect(rows()).toEqual(['whole', 'next']);
  });

  it('refuses and counts rows beyond its limit, and accepts rows again when there is room', async () => {
    away = true;
    const j = journal(100);
    expect(append(j, 'x'.repeat(60))).toBe(true);
    expect(append(j, 'y'.repeat(60))).toBe(false);
    expect(j.refused).toBe(1);
    away = false;
    j.start();
    await shipped(1);
    while (j.waitingBytes > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(append(j, 'z'.repeat(60))).toBe(true);
  });

  it('cuts records below the limit, at line ends', async () => {
    const j = journal();
    const line = 'x'.repeat(100_000);
    append(j, ...Array.from({ length: 25 }, () => line));
    j.start();
    await shipped(25);
    expect(sent.length).toBeGreaterThan(2);
    for (const s of sent) expect(s.length).toBeLessThan(MAX_RECORD_BYTES);
    expect(rows().every((r) => r === line)).toBe(true);
  });

  it.each(['{"segment":9,"offset":4}', '{"segment":1,"offset":"x"}', '{}', 'torn'])(
    'deletes no row and goes on when the position file contains %s',
    async (position) => {
      writeFileSync(join(folder, '0000000001.ndjson'), 'a\nb\n');
      writeFileSync(join(folder, 'position.json'), position);
      const j = journal();
      append(j, 'c');
      j.start();
      await shipped(3);
      expect(rows()).toEqual(['a', 'b', 'c']);
    },
  );

  it('takes the place of a longer position, whatever was in the file', async () => {
    writeFileSync(join(folder, 'position.json'), `{"segment":1,"offset":0,"note":"${'x'.repeat(200)}"}`);
    const j = journal();
    append(j, 'a');
    j.start();
    await until(() => j.waitingBytes === 0);
    await j.close(0);
    expect(JSON.parse(readFileSync(join(folder, 'position.json'), 'utf8'))).toEqual({ segment: 1, offset: 2 });
  });

  it('does not wait for data that do not exist: a position beyond the end of its segment', () => {
    writeFileSync(join(folder, '0000000001.ndjson'), 'a\n');
    writeFileSync(join(folder, 'position.json'), '{"segment":1,"offset":5000}');
    expect(journal().waitingBytes).toBe(0);
  });

  it('sends the rows of its current segment although the file was deleted, and has room again', async () => {
    const j = journal(100);
    append(j, 'x'.repeat(80));
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    j.start();
    await until(() => j.waitingBytes === 0);
    expect(append(j, 'y'.repeat(80))).toBe(true);
    await until(() => j.waitingBytes === 0);
    expect([rows().length, j.shipped, j.refused]).toEqual([2, 2, 0]);
    // It begins a new segment when it next looks for rows.
    await until(() => readdirSync(folder).filter((f) => f.endsWith('.ndjson')).length === 1);
  });

  it('counts rows that were cut off or deleted while they waited, and has room again', async () => {
    writeFileSync(join(folder, '0000000001.ndjson'), 'a\nb\nc\n');
    writeFileSync(join(folder, '0000000002.ndjson'), 'd\ne\nf\ng\n');
    const j = journal();
    truncateSync(join(folder, '0000000001.ndjson'), 2);
    rmSync(join(folder, '0000000002.ndjson'));
    append(j, 'h');
    for (const name of readdirSync(folder)) if (name.startsWith('0000000003')) truncateSync(join(folder, name), 0);
    append(j, 'i');
    j.start();
    await until(() => j.waitingBytes === 0);
    expect([rows(), j.shipped, j.refused]).toEqual([['a', 'i'], 2, 2 + 4 + 1]);
  });

  it('loses no row of either of two processes in one folder', async () => {
    const a = journal();
    a.start();
    append(a, 'a1');
    await shipped(1);
    const b = journal();
    b.start();
    append(b, 'b1');
    await until(() => b.waitingBytes === 0);
    append(a, 'a2', 'a3');
    await until(() => a.waitingBytes === 0);
    append(b, 'b2');
    append(a, 'a4');
    await until(() => a.waitingBytes + b.waitingBytes === 0);
    expect([...new Set(rows())].sort()).toEqual(['a1', 'a2', 'a3', 'a4', 'b1', 'b2']);
    expect([a.refused, b.refused]).toEqual([0, 0]);
  });

  it('empties itself although its position cannot be saved, and does not report that as a fault of Kafka', async () => {
    mkdirSync(join(folder, 'position.json'));
    const warned = vi.spyOn(log, 'warn');
    const j = journal();
    const row = 'y'.repeat(MAX_RECORD_BYTES - 10);
    append(j, row, row, row);
    j.start();
    await until(() => j.waitingBytes === 0);
    expect(sent.length).toBe(3);
    expect(new Set(warned.mock.calls.map((call) => call[1]))).toEqual(
      new Set(['the position in the journal could not be saved']),
    );
  });
});
