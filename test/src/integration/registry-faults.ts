import { RefusedError } from '@slipway/client';
import type { Problem } from '@slipway/core';
import { until } from '@slipway/local';
import { Client } from 'pg';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of registry.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import { GOOD, type Release } from '../fixtures/release.ts';

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

    it('says of a rollout at which a look fails why it does, and goes on with all others', async () => {
      const { operator, reach, viewer, databaseUrl } = stack();
      const postgres = new Client({ connectionString: databaseUrl });
      await postgres.connect();
      const create = async (endpoint: string) => {
        const steps = [{ canary: { weight: '5%', until: { requests: 1_000_000 } } }];
        const candidate = { model: 'spam', version: GOOD };
        return (await operator.rollouts.create({ endpoint, candidate, steps, guardrails: [] })).id;
      };
      await operator.endpoints.put({ name: 'beside' }, { model: 'spam', version: 1 });
      const [broken, other] = [await create('spam'), await create('beside')];
      // Whatever would make its step active fails, as a defect of our own would.
      await postgres.query(`
        CREATE FUNCTION refuse_activation() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'no place for it'; END $$;
        CREATE TRIGGER refuse_activation BEFORE UPDATE ON rollouts FOR EACH ROW
          WHEN (NEW.id = '${broken}' AND NEW.doc->'visits'->-1->>'phase' = 'active')
          EXECUTE FUNCTION refuse_activation()`);
      try {
        await operator.rollouts.command({ id: broken }, { command: 'start' });
        await reach(broken, 'at fault', (r) => r.fault === 'no place for it', 30_000);
        await operator.rollouts.command({ id: other }, { command: 'start' });
        await reach(other, 'active', (r) => r.visits.at(-1)?.phase === 'active', 30_000);
        const texts = await Promise.all(stack().registries.map(async (r) => (await fetch(`${r}/metrics`)).text()));
        expect(texts.join()).toMatch(/^slipway_conductor_failures_total\{fault="deterministic"\} [1-9]/m);
      } finally {
        await postgres.query('DROP TRIGGER refuse_activation ON rollouts; DROP FUNCTION refuse_activation()');
        await postgres.end();
      }
      const healed = await reach(broken, 'active', (r) => r.visits.at(-1)?.phase === 'active', 40_000);
      expect(healed.fault).toBeUndefined();
      const { items } = await viewer.audit.list({ aggregate: `rollout/${broken}` });
      expect(items.map((a) => a.action)).toEqual(['create', 'start', 'fault', 'activate']);
      for (const id of [broken, other]) await operator.rollouts.command({ id }, { command: 'abort' });
    });
  });
}
