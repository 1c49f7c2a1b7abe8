import { preprocessingSchema } from '@slipway/model';
import { expect, it } from 'vitest';
import { mostRows } from './row-bound.ts';

const operators = (...given: object[]) => preprocessingSchema.parse(given);

it('the widest preprocessing that a bundle may declare takes at most 256 MB for a request', () => {
  const widest = { op: 'hashed_ngrams', input: 'text', output: 'f', features: 2 ** 20 };
  expect(mostRows(operators(widest)) * 2 ** 20 * 4).toBe(256 * 1024 ** 2);
  expect(mostRows(operators({ ...widest, features: 512 }))).toBeGreaterThan(100_000);
  expect(mostRows([])).toBeGreaterThan(1_000_000);
});

it('many wide operators together take no more than one alone may', () => {
  const wide = (i: number) => ({ op: 'hashed_ngrams', input: 'text', output: `f${i}`, features: 2 ** 20 });
  const all = operators(...Array.from({ length: 64 }, (_, i) => wide(i)));
  expect(mostRows(all) * 64 * 2 ** 20 * 4).toBeLessThanOrEqual(256 * 1024 ** 2);
});
