import { RefusedError } from '@slipway/client';
import type { Problem } from '@slipway/core';
import { until } from '@slipway/local';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of registry.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Release } from '../fixtures/release.ts';

/** What callers of a registry get while a store fails; part of the registry's suite. */
export function describeFaults(stack: () => Release): void {
  const refusal = async (work: Promise<unknown>): Promise<Problem | string> =>
    work.then(
      () => 'it was not refused',
      (error: unknown) => (error instanceof RefusedError ? error.problem : String(error)),
    );

  describe('a registry whose stores fail', () => {
    it('answers 503 while Postgres is unavailable, not an internal error, and works again afterwards', async () => {
      const { supervisor, admin } = stack();
      const pid = supervisor.pid('registry-1');
      await supervisor.stop('postgres');
      try {
        for (const ask of [() => admin.models.list(), () => admin.models.create({ name: 'x' })])
          expect(await refusal(ask())).toMatchObject({ status: 503, code: 'unavailable' });
      } finally {
        await supervisor.startAgain('postgres');
      }
      await until('an answer', async () => Boolean(await admin.models.list()));
      expect(supervisor.pid('registry-1')).toBe(pid);
    });
  });
}
