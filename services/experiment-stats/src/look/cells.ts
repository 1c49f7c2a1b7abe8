import type { CountCell, LatencyCell } from '@slipway/stats';
import { SHARES } from './exposed-rows.ts';
import { inOrder } from './returning-units.ts';

export type Arm = 'control' | 'candidate';
/** `n` units of one arm with an event in one second, under one share of the candidate. */
export type Row = { weight: number; arm: Arm; second: number; n: number };
/** Rows of {@link Row}: those of `events` (one row a unit and share, with its second) that count. */
export const judged = (events: string, ...also: string[]): string => {
  const columns = ['chance', 'arm', 'second', ...also].join(', ');
  return `
    SELECT ${columns.replace('chance', 'chance AS weight')}, count() AS n
    FROM (${inOrder(SHARES, events, also)}) GROUP BY ${columns}`;
};

const inTime = (a: { second: number; weight: number }, b: { second: number; weight: number }) =>
  a.second - b.second || a.weight - b.weight;

export function countCells(rows: readonly Row[]): CountCell[] {
  const found = new Map<string, CountCell>();
  for (const r of rows) {
    const key = `${r.second} ${r.weight}`;
    const cell = found.get(key) ?? { second: r.second, weight: r.weight, control: 0, candidate: 0 };
    cell[r.arm] += r.n;
    found.set(key, cell);
  }
  return [...found.values()].sort(inTime);
}

/** By bucket of what was measured of a unit, too. */
export function bucketCells(rows: readonly (Row & { bucket: number })[], buckets: number): LatencyCell[] {
  const none = () => new Array<number>(buckets).fill(0);
  const found = new Map<string, { second: number; weight: number; control: number[]; candidate: number[] }>();
  for (const r of rows) {
    const key = `${r.second} ${r.weight}`;
    const cell = found.get(key) ?? { second: r.second, weight: r.weight, control: none(), candidate: none() };
    cell[r.arm][r.bucket] = (cell[r.arm][r.bucket] ?? 0) + r.n;
    found.set(key, cell);
  }
  return [...found.values()].sort(inTime);
}
