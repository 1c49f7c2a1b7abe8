import { CONTROL } from '@slipway/core';
import type { CountCell, LatencyCell } from '@slipway/stats';
import { SHARES } from './exposed-rows.ts';
import { inOrder } from './returning-units.ts';

/** What is known of control and of one candidate, which is compared with it. */
export type Pair<T> = { control: T; candidate: T };
/** Its rows, which go by the names of the arms. */
export function pairOf<R extends { arm: string }>(rows: readonly R[]): Partial<Pair<R>> {
  const [control, candidate] = [rows.find((r) => r.arm === CONTROL), rows.find((r) => r.arm !== CONTROL)];
  return { ...(control ? { control } : {}), ...(candidate ? { candidate } : {}) };
}
/** `n` units of one arm with an event in one second, under one share of the candidate. */
export type Row = { weight: number; arm: string; second: number; n: number };
const sideOf = (arm: string): keyof Pair<unknown> => (arm === CONTROL ? 'control' : 'candidate');
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
    cell[sideOf(r.arm)] += r.n;
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
    const side = cell[sideOf(r.arm)];
    side[r.bucket] = (side[r.bucket] ?? 0) + r.n;
    found.set(key, cell);
  }
  return [...found.values()].sort(inTime);
}
