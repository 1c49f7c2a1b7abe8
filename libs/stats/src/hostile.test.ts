import { describe, expect, it } from 'vitest';
import { CALLS } from './calls.fixture.ts';
import * as stats from './index.ts';

/** Values that are not numbers, and extreme numbers. */
const EXEMPT = ['ReturningUnits', 'StatsError', 'driftIndices', 'evidentlyDefault', 'lInfinity', 'percent'];
const HOSTILE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0, 1, 0.5, 1e300];

/** Every way to replace one number or one list by a bad value. */
function* spoilt(value: unknown): Generator<unknown> {
  if (typeof value === 'number') yield* HOSTILE;
  else if (Array.isArray(value)) {
    yield [];
    if (value.length > 1) yield value.slice(0, 1);
    if (value.length > 1 && typeof value[0] === 'number') {
      yield value.map(() => 0);
      yield value.map(() => 5);
    }
    for (const [i, x] of value.entries()) for (const y of spoilt(x)) yield value.map((z, j) => (i === j ? y : z));
  } else if (value !== null && typeof value === 'object')
    for (const [k, x] of Object.entries(value)) for (const y of spoilt(x)) yield { ...value, [k]: y };
}

function nanAt(value: unknown, path = ''): string | undefined {
  if (typeof value === 'number') return Number.isNaN(value) ? path || '(whole)' : undefined;
  if (value === null || typeof value !== 'object') return undefined;
  for (const [k, x] of Object.entries(value)) {
    const found = nanAt(x, `${path}.${k}`);
    if (found) return found;
  }
  return undefined;
}

const text = (args: unknown) =>
  JSON.stringify(args, (_, x) => (typeof x === 'number' && !Number.isFinite(x) ? String(x) : x));

/** The error of one call; undefined when it returns without NaN, or refuses by a named error. */
function fault(call: (...args: unknown[]) => unknown, args: unknown[]): string | undefined {
  try {
    const at = nanAt(call(...args));
    return at ? `NaN at ${at}` : undefined;
  } catch (error) {
    return error instanceof stats.StatsError ? undefined : `${(error as Error).name}: ${(error as Error).message}`;
  }
}

describe('bad input gets a named error or a valid answer, never NaN', () => {
  it('of every public function', () =>
    expect(
      Object.entries(stats).flatMap(([name, f]) =>
        typeof f === 'function' && !EXEMPT.includes(name) && !(name in CALLS) ? [name] : [],
      ),
    ).toEqual([]));
  it.each(Object.entries(CALLS))('%s', (_, [call, ...examples]) => {
    expect(examples.length, 'no ordinary call').toBeGreaterThan(0);
    for (const args of examples) {
      expect(fault(call, args), 'the ordinary call').toBeUndefined();
      const faults = [...spoilt(args)].flatMap((bad) => {
        if ((bad as unknown[]).length !== args.length) return [];
        const found = fault(call, bad as unknown[]);
        return found ? [`${text(bad).slice(0, 160)}: ${found}`] : [];
      });
      expect(faults).toEqual([]);
    }
  });
});
