import { adapters } from './adapters.ts';

export type Vector = {
  name: string;
  like?: string;
  input: Record<string, unknown>;
  expected: unknown;
  tolerance: { abs?: number; rel?: number };
};
export type Failure = { name: string; field: string; expected: unknown; got: unknown };

/** Runs one vector through the adapter that it names. @returns what differs; nothing when it passes */
export function checkVector(vector: Vector): Failure[] {
  const adapter = adapters[vector.like ?? vector.name];
  if (!adapter)
    return [{ name: vector.name, field: 'like', expected: 'a known computation', got: vector.like ?? vector.name }];
  try {
    return differences(vector.name, '', vector.expected, adapter(vector.input), vector.tolerance ?? {});
  } catch (error) {
    return [
      {
        name: vector.name,
        field: '(whole)',
        expected: vector.expected,
        got: `${(error as Error).name}: ${(error as Error).message}`,
      },
    ];
  }
}

function differences(
  name: string,
  field: string,
  expected: unknown,
  got: unknown,
  tolerance: Vector['tolerance'],
): Failure[] {
  const fail = (): Failure[] => [{ name, field: field || '(whole)', expected, got }];
  if (Array.isArray(expected)) {
    if (!Array.isArray(got) || got.length !== expected.length) return fail();
    return expected.flatMap((e, i) => differences(name, `${field}[${i}]`, e, got[i], tolerance));
  }
  if (expected !== null && typeof expected === 'object') {
    if (got === null || typeof got !== 'object') return fail();
    return Object.entries(expected).flatMap(([k, e]) =>
      differences(name, field ? `${field}.${k}` : k, e, (got as Record<string, unknown>)[k], tolerance),
    );
  }
  if (expected === 'inf') return got === Number.POSITIVE_INFINITY ? [] : fail();
  if (expected === '-inf') return got === Number.NEGATIVE_INFINITY ? [] : fail();
  if (typeof expected === 'number') {
    if (typeof got !== 'number' || Number.isNaN(got)) return fail();
    return Math.abs(got - expected) <= Math.max(tolerance.abs ?? 0, (tolerance.rel ?? 0) * Math.abs(expected))
      ? []
      : fail();
  }
  return got === expected ? [] : fail();
}
