import { expect, it } from 'vitest';
import { between, type Positions, wentBack } from './touched.ts';

const at = (offsets: Record<string, number>): Positions =>
  Object.fromEntries(Object.entries(offsets).map(([p, offset]) => [p, { offset, arrived: 1_000_000 + offset }]));

it.each([
  ['nothing is new', { 0: 5, 1: 7 }, { 0: 5, 1: 7 }, false],
  ['one partition has grown', { 0: 5, 1: 7 }, { 0: 6, 1: 7 }, false],
  ['a partition is new', { 0: 5 }, { 0: 5, 1: 1 }, false],
  ['one has less than before, though another has more', { 0: 5, 1: 7 }, { 0: 9, 1: 6 }, true],
])('what a look sees has gone back or not: %s', (_, before, after, expected) => {
  expect(wentBack(at(before), at(after))).toBe(expected);
});

it('reads of the partitions that have grown what came since, and of a new one everything', () => {
  expect(between(at({ 0: 5 }), at({ 0: 5 }))).toBeUndefined();
  const sql = between(at({ 0: 5, 2: 3 }), at({ 0: 8, 1: 2, 2: 3 }));
  expect(sql).toContain('kafka_partition = 0 AND kafka_offset >= 5 AND kafka_offset < 8');
  expect(sql).toContain('kafka_partition = 1 AND kafka_offset >= 0 AND kafka_offset < 2');
  expect(sql).not.toContain('kafka_partition = 2');
});
