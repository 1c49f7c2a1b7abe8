import { operationsOf, registryApi } from '@slipway/contracts';
// biome-ignore lint/correctness/noUndeclaredDependencies: a part of fuzz.test.ts, which the root's vitest runs
import { describe, expect, it } from 'vitest';
import type { Release } from '../fixtures/release.ts';
import { fuzzSchema, schemaFuzzer } from '../fixtures/schema-fuzzer.ts';

/** The registry's OpenAPI document against the registry; part of the suite of the fuzz, on its stack. */
export function describeSchema(stack: () => Release): void {
  describe('the registry, asked by schemathesis from its OpenAPI document', () => {
    it('answers every operation with a status, a media type and a body that the document declares', async ({
      skip,
    }) => {
      const fuzzer = schemaFuzzer();
      if ('missing' in fuzzer) {
        process.stderr.write(`SKIPPED: schemathesis is not available here: ${fuzzer.missing}\n`);
        return skip(fuzzer.missing);
      }
      const { admin, operator, infer, registries, secrets, accountFor } = stack();
      const version = await admin.versions.get({ model: 'spam', version: 1 });
      const steps = [{ canary: { weight: '20%' } }, { switch: {} }];
      const rollout = await operator.rollouts.create({
        endpoint: 'spam',
        candidate: { model: 'spam', version: 2 },
        steps,
      });
      await infer('hello', { 'x-request-id': 'of-schemathesis' });
      expect((await accountFor(['of-schemathesis'])).missing).toEqual([]);
      const run = await fuzzSchema(fuzzer.program, {
        url: registries[0] as string,
        key: secrets.keys.admin,
        seed: 1,
        maxExamples: 3,
        env: {
          FUZZ_ARTIFACT: version.bundle.artifact.sha256,
          FUZZ_ROLLOUT: rollout.id,
          FUZZ_REQUEST: 'of-schemathesis',
        },
      });
      const { generated, ...bad } = run.test_cases;
      expect(bad, run.text).toMatchObject({ with_failures: 0, errored: 0 });
      // All operations except the event stream, which has no end.
      const all = operationsOf(registryApi).length - 1;
      expect([run.complete, run.operations], run.text).toMatchObject([
        true,
        { selected: all, tested: all, errored: 0 },
      ]);
      expect(generated).toBeGreaterThan(1000);
    }, 240_000);
  });
}
