import { randomFillSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { RandomPool } from './random-pool.ts';

it('gives no byte twice, leaves what was given as it is, and asks the system once for many', () => {
  let filled = 0;
  const pool = new RandomPool((bytes) => {
    filled++;
    randomFillSync(bytes);
  }, 64);
  const given = Array.from({ length: 100 }, () => pool.take(24));
  const then = given.map((bytes) => bytes.toString('hex'));
  expect(new Set(then).size).toBe(100);
  expect(filled).toBe(50);
  expect(pool.take(1000).length).toBe(1000);
  expect(given.map((bytes) => bytes.toString('hex'))).toEqual(then);
});
